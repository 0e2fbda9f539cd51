#pragma once
#include <idn2.h>
/* iconv(3) is part of the C library, but of no module that Swift ships. */
#include <iconv.h>
