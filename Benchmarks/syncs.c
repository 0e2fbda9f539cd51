// Counts the syncs of the program it is preloaded into, and lets them happen: appends "fdatasync N fsync N" to $SYNCS_FILE at exit.
// Build: cc -O2 -shared -fPIC -o syncs.so syncs.c;  use: LD_PRELOAD=./syncs.so SYNCS_FILE=… program
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long data_syncs, syncs;

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  data_syncs++;
  return real(fd);
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  syncs++;
  return real(fd);
}

__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("SYNCS_FILE");
  FILE *file = path ? fopen(path, "a") : NULL;
  if (!file) return;
  fprintf(file, "fdatasync %ld fsync %ld\n", data_syncs, syncs);
  fclose(file);
}
