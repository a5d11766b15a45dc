/*
 * A link with a round-trip time, for kernels without netem: two TUN devices, one here and one in a network namespace, and every packet
 * held for half the round trip. The TCP on both sides is the kernel's own, so handshakes, initial windows and slow start after an idle
 * pause take the time that they take.
 *
 *   delaylink NAMESPACE HERE THERE MICROSECONDS      (HERE and THERE: names of the devices to create)
 *
 * Prints "ready" once both devices exist; runs until it is killed, and the devices go with it. Linux, root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { slots = 16384, packet_bytes = 2048 };

struct packet {
  uint64_t due_us;
  int length;
  char bytes[packet_bytes];
};

struct queue {
  struct packet *ring;
  unsigned head, tail;
  int from, to;
};

static void fail(const char *what) {
  fprintf(stderr, "delaylink: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int open_tun(const char *name) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (fd < 0) fail("/dev/net/tun");
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail(name);
  return fd;
}

static void take(struct queue *q, uint64_t delay_us) {
  while (q->head - q->tail < slots) {
    struct packet *p = &q->ring[q->head % slots];
    p->length = read(q->from, p->bytes, packet_bytes);
    if (p->length <= 0) return;
    p->due_us = now_us() + delay_us;
    q->head++;
  }
}

/* Sends what is due; returns microseconds until the next packet is, or -1. */
static int64_t give(struct queue *q) {
  while (q->tail != q->head) {
    struct packet *p = &q->ring[q->tail % slots];
    uint64_t now = now_us();
    if (p->due_us > now) return p->due_us - now;
    if (write(q->to, p->bytes, p->length) < 0 && errno == EAGAIN) return 100;
    q->tail++;
  }
  return -1;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "delaylink NAMESPACE HERE THERE MICROSECONDS\n");
    return 2;
  }
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", argv[1]);
  uint64_t delay_us = strtoull(argv[4], NULL, 10);

  int here = open_tun(argv[2]);
  int namespace = open(path, O_RDONLY);
  if (namespace < 0) fail(path);
  if (setns(namespace, CLONE_NEWNET) < 0) fail("setns");
  int there = open_tun(argv[3]);
  struct queue up = {calloc(slots, sizeof(struct packet)), 0, 0, here, there};
  struct queue down = {calloc(slots, sizeof(struct packet)), 0, 0, there, here};
  if (!up.ring || !down.ring) fail("calloc");
  puts("ready");
  fflush(stdout);

  for (;;) {
    int64_t a = give(&up), b = give(&down);
    int64_t wait_us = a < 0 ? b : b < 0 ? a : a < b ? a : b;
    struct timespec wait = {wait_us / 1000000, (wait_us % 1000000) * 1000};
    struct pollfd fds[2] = {{here, POLLIN, 0}, {there, POLLIN, 0}};
    if (ppoll(fds, 2, wait_us < 0 ? NULL : &wait, NULL) < 0 && errno != EINTR) fail("ppoll");
    take(&up, delay_us);
    take(&down, delay_us);
  }
}
