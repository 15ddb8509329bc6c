/* SPDX-License-Identifier: MIT */
/* bench/commit_floor.c -- what the disk alone takes for the commits of a trace.
 *
 *   bench_commit_floor FOLDER TRACE
 *
 * Plays the trace (trace.h) in FOLDER, which holds a copy of the graph as it was before, with bare system calls: the
 * same files of the same sizes, the same renames and links, the same syncs, those of one barrier at once on up to four
 * threads as the engine does.  Nothing is encoded, checked or read.  The trace is read and its folders are made before
 * the first clock starts.  Prints one JSON line per commit.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIELDS  64
#define THREADS 4
#define BYTES   (1u << 20)

typedef struct operation {
  char *fields[FIELDS]; /* fields[0] is the kind */
  int n;
} operation;

static void die(const char *what, const char *path)
{
  fprintf(stderr, "error: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static void check(bool ok, const char *what, const char *path)
{
  if (!ok) die(what, path);
}

static uint64_t now_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- before the clock starts */

/* Whether an operation has the fields its kind needs. */
static bool is_whole(const operation *op)
{
  if (op->n < 2) return false;
  switch (op->fields[0][0]) {
  case 'W': return op->n == 4;
  case 'R':
  case 'L': return op->n == 3;
  case 'S': return true;
  default: return op->n == 2;
  }
}

static operation split(char *line)
{
  operation op = {0};
  char *rest = line;
  for (char *field; op.n < FIELDS && (field = strsep(&rest, "\t\n")) != NULL;)
    if (*field) op.fields[op.n++] = field;
  return op;
}

static operation *read_trace(const char *path, size_t *n)
{
  FILE *f = fopen(path, "r");
  operation *all = NULL;
  size_t room = 0;
  check(f != NULL, "open", path);
  for (;;) {
    char *line = NULL; /* kept: the fields point into it */
    size_t size = 0;
    if (getline(&line, &size, f) < 0) {
      free(line);
      break;
    }
    if (*n == room) all = realloc(all, (room = room ? 2 * room : 256) * sizeof *all);
    check(all != NULL, "read", path);
    all[*n] = split(line);
    errno = EINVAL;
    check(is_whole(&all[(*n)++]), "understand a line of", path);
  }
  fclose(f);
  return all;
}

/* The folders that hold `path`. */
static void make_parents(const char *path)
{
  char part[4096];
  for (size_t i = 1; path[i] && i < sizeof part; i++) {
    if (path[i] != '/') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    check(mkdir(part, 0777) == 0 || errno == EEXIST, "make folder", part);
  }
}

/* ---- playing */

static void sync_path(const char *path)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  check(fd >= 0, "open", path);
  check(fsync(fd) == 0, "sync", path);
  close(fd);
}

typedef struct barrier {
  const operation *op;
  atomic_int next;
} barrier;

static void *sync_some(void *arg)
{
  barrier *b = arg;
  for (int i; (i = atomic_fetch_add(&b->next, 1)) < b->op->n;) sync_path(b->op->fields[i]);
  return NULL;
}

static void play_barrier(const operation *op)
{
  barrier b = {.op = op};
  pthread_t threads[THREADS];
  int started = 0;
  atomic_init(&b.next, 1);
  while (started < THREADS - 1 && started < op->n - 2)
    check(pthread_create(&threads[started++], NULL, sync_some, &b) == 0, "start", "a thread");
  sync_some(&b);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

static void play_write(const operation *op)
{
  static char bytes[BYTES];
  const char *path = op->fields[1];
  size_t left = strtoul(op->fields[2], NULL, 10);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  check(fd >= 0, "create", path);
  while (left > 0) {
    ssize_t n = write(fd, bytes, left < BYTES ? left : BYTES);
    check(n > 0, "write", path);
    left -= (size_t)n;
  }
  if (op->fields[3][0] == '1') check(fsync(fd) == 0, "sync", path);
  close(fd);
}

static void play(const operation *op)
{
  switch (op->fields[0][0]) {
  case 'W': play_write(op); break;
  case 'R': check(rename(op->fields[1], op->fields[2]) == 0, "rename", op->fields[1]); break;
  case 'L': check(link(op->fields[1], op->fields[2]) == 0, "link", op->fields[1]); break;
  case 'U': check(unlink(op->fields[1]) == 0, "unlink", op->fields[1]); break;
  case 'S': play_barrier(op); break;
  default: errno = EINVAL; die("understand", op->fields[0]);
  }
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fprintf(stderr, "usage: bench_commit_floor FOLDER TRACE\n");
    return 2;
  }
  size_t n = 0;
  operation *all = read_trace(argv[2], &n);
  check(chdir(argv[1]) == 0, "enter", argv[1]);
  for (size_t i = 0; i < n; i++)
    for (int k = 1; k < all[i].n && strchr("WRLS", all[i].fields[0][0]); k++) make_parents(all[i].fields[k]);
  sync();
  for (size_t i = 0; i < n;) {
    const char *version = all[i++].fields[1];
    uint64_t begin = now_ns();
    while (i < n && all[i].fields[0][0] != 'C') play(&all[i++]);
    printf("{\"commit\":%s,\"us\":%.1f}\n", version, (double)(now_ns() - begin) / 1e3);
  }
  free(all);
  return 0;
}
