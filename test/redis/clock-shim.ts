/**
 * A server's clock that a test can step: a small library, preloaded, adds what a mapped file says to the wall clock.
 * Needs a C compiler; libfaketime, which does this for other programs, makes Redis crash.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guardedDirectory } from './guard.ts';

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_us;

__attribute__((constructor)) static void map_offset(void) {
  const char *path = getenv("CLOCK_SHIM");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) return;
  void *mapped = mmap(0, sizeof *offset_us, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) offset_us = mapped;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  static int (*real)(clockid_t, struct timespec *);
  struct timespec now;
  (void)zone;
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(CLOCK_REALTIME, &now);
  int64_t us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + (offset_us ? *offset_us : 0);
  at->tv_sec = us / 1000000;
  at->tv_usec = us % 1000000;
  return result;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, at);
  if (clock == CLOCK_REALTIME && offset_us) at->tv_sec += *offset_us / 1000000;
  return result;
}
`;

export interface ClockShim extends Disposable {
  /** Environment of the process whose clock it is. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets how far the clock is ahead of the real one, in whole seconds; negative for behind. */
  set(seconds: number): void;
}

export function hasCompiler(): boolean {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
}

export function makeClockShim(): ClockShim {
  const directory = guardedDirectory('clock');
  const [code, library, offset] = ['shim.c', 'shim.so', 'offset'].map((name) =>
    join(directory.path, name),
  ) as [string, string, string];
  writeFileSync(code, source);
  execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', library, code, '-ldl']);
  const set = (seconds: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds) * 1_000_000n);
    // In place: the server has the very file mapped.
    writeFileSync(offset, bytes, { flag: 'r+' });
  };
  writeFileSync(offset, Buffer.alloc(8));
  return {
    env: { LD_PRELOAD: library, CLOCK_SHIM: offset },
    set,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
