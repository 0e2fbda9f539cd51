# Makes what a command says of itself (abstract, discussion, help) look like calls of tr(), for xgettext. A discussion is
# translated line by line, as the parser shows it; its examples are not.
use strict;
use warnings;

sub call { my ($text) = @_; $text =~ s/([\\"])/\\$1/g; return "tr(\"$text\");" }

sub lines {
    my ($raw, $body) = @_;
    $body =~ s/\\\n\s*//g unless $raw;
    my ($indent) = $body =~ /^( *)/;
    my @lines = map { s/^$indent//r } split /\n/, $body;
    return join ' ', map { call($_) } grep { /^\S/ && !/^outpost / } @lines;
}

local $/;
while (my $text = <>) {
    $text =~ s/discussion: (#?)"""\n(.*?)\n\s*"""#?/lines($1, $2)/gse;
    $text =~ s/\b(?:abstract|discussion|help): "/tr("/g;
    $text =~ s/\bArgumentHelp\(\s*"(?![^"]*: ")/tr("/g;
    print $text;
}
