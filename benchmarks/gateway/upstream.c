// upstream.c: a model provider that is never the limit, and that fails on command.
//
// One thread, one epoll, HTTP/1.1 with keep-alive. The model name of a request chooses a plan (table PLANS);
// POST /plan/NAME makes every later request follow that plan, POST /plan/none ends it. GET /count tells how many
// chat requests came. Every answer and every token carries the name given at the start, so a client can see
// which of several upstreams it heard.
//
// build: gcc -O2 -Wall -Wextra -o upstream upstream.c        run: ./upstream PORT [NAME]
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 4096, IN_SIZE = 256 * 1024, NS_PER_MS = 1000000 };

enum Fault { NONE, STATUS, CUT, HANG, HTML, EMPTY, HALF_JSON, STREAM_CUT, STREAM_STALL };

typedef struct {
    const char *name;
    int delay_ms;      // before the first byte
    int gap_ms;        // between two events of a stream
    int tokens;        // of a stream
    enum Fault fault;
    int value;         // the status, or the tokens that still come before a stream breaks
} Plan;

static const Plan PLANS[] = {
    {"mock-plain", 0, 0, 20, NONE, 0},
    {"mock-slow", 20, 0, 20, NONE, 0},
    {"mock-stream", 20, 5, 40, NONE, 0},
    {"http-500", 0, 0, 0, STATUS, 500},
    {"http-429", 0, 0, 0, STATUS, 429},
    {"http-401", 0, 0, 0, STATUS, 401},
    {"cut", 0, 0, 0, CUT, 0},
    {"hang", 0, 0, 0, HANG, 0},
    {"html", 0, 0, 0, HTML, 0},
    {"empty", 0, 0, 0, EMPTY, 0},
    {"half-json", 0, 0, 0, HALF_JSON, 0},
    {"stream-cut-0", 0, 20, 20, STREAM_CUT, 0},
    {"stream-cut-5", 0, 20, 20, STREAM_CUT, 5},
    {"stream-stall-5", 0, 20, 20, STREAM_STALL, 5},
};

typedef struct {
    char *in;
    size_t have;
    long long due;     // when the next step is to be made, 0: nothing planned
    int busy, open, stream, wants_json, sent;
    const Plan *plan;
    char model[64];
} Conn;

static Conn conns[MAX_FD];
static const Plan *forced;
static const char *NAME = "primary";
static long chats;
static int waiting, top_fd;

static const char TEXT[] = "the rollout was stopped after the second error budget alarm, traffic went back to the "
                           "previous version, and no request was lost while the pool drained.";

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void plan_step(Conn *c, int after_ms) {
    if (!c->due) waiting++;
    c->due = now_ns() + (long long)after_ms * NS_PER_MS;
}

static void unplan(Conn *c) {
    if (c->due) waiting--;
    c->due = 0;
}

static void hang_up(int fd) {
    unplan(&conns[fd]);
    conns[fd].open = conns[fd].busy = 0;
    conns[fd].have = 0;
    close(fd);
}

// Blocking on purpose: an answer is smaller than a socket buffer. A client that reads nothing for a second is cut.
static void put(int fd, const char *bytes, size_t n) {
    while (n && conns[fd].open) {
        ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) { hang_up(fd); return; }
        bytes += k;
        n -= k;
    }
}

static void reply(int fd, int status, const char *type, const char *more, const char *body) {
    char out[4096];
    int n = snprintf(out, sizeof out, "HTTP/1.1 %d %s\r\ncontent-type: %s\r\n%scontent-length: %zu\r\n\r\n%s", status,
                     status == 200 ? "OK" : "Refused", type, more, strlen(body), body);
    put(fd, out, n);
    conns[fd].busy = 0;
}

static void refuse(int fd, int status) {
    char body[256];
    snprintf(body, sizeof body, "{\"error\":{\"message\":\"planned refusal\",\"type\":\"planned\",\"code\":\"planned_%d\"}}", status);
    reply(fd, status, "application/json", status == 429 ? "retry-after: 1\r\n" : "", body);
}

static void answer(int fd) {
    Conn *c = &conns[fd];
    char content[512], body[2048];
    if (c->plan->fault == EMPTY) content[0] = 0;
    else if (c->plan->fault == HALF_JSON) snprintf(content, sizeof content, "{\\\"answer\\\": \\\"%.4s", NAME);
    else if (c->wants_json) snprintf(content, sizeof content, "{\\\"answer\\\": \\\"%s\\\"}", NAME);
    else snprintf(content, sizeof content, "%s: %s", NAME, TEXT);
    snprintf(body, sizeof body,
             "{\"id\":\"chatcmpl-%ld\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"%s\",\"choices\":"
             "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}],"
             "\"usage\":{\"prompt_tokens\":190,\"completion_tokens\":36,\"total_tokens\":226}}",
             chats, c->model, content);
    reply(fd, 200, "application/json", "", body);
}

static void event(int fd, const char *delta, const char *finish) {
    char json[512], out[640];
    int n = snprintf(json, sizeof json,
                     "data: {\"id\":\"chatcmpl-s\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"%s\","
                     "\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n", conns[fd].model, delta, finish);
    n = snprintf(out, sizeof out, "%x\r\n%s\r\n", n, json);
    put(fd, out, n);
}

// Sends the next event of a stream and plans the one after it.
static void stream_step(int fd) {
    Conn *c = &conns[fd];
    const Plan *p = c->plan;
    static const char HEAD[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
                               "transfer-encoding: chunked\r\n\r\n";
    static const char TAIL[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    do {
        int i = c->sent++;
        if (i == 0) {
            put(fd, HEAD, sizeof HEAD - 1);
            event(fd, "{\"role\":\"assistant\",\"content\":\"\"}", "null");
        } else if (p->fault == STREAM_CUT && i > p->value) {
            hang_up(fd);
        } else if (p->fault == STREAM_STALL && i > p->value) {
            return;
        } else if (i <= p->tokens) {
            char delta[64];
            snprintf(delta, sizeof delta, "{\"content\":\"%s-%d \"}", NAME, i);
            event(fd, delta, "null");
        } else {
            event(fd, "{}", "\"stop\"");
            put(fd, TAIL, sizeof TAIL - 1);
            c->busy = 0;
        }
    } while (c->open && c->busy && !p->gap_ms);
    if (c->open && c->busy) plan_step(c, p->gap_ms);
}

static void step(int fd) {
    Conn *c = &conns[fd];
    switch (c->plan->fault) {
    case HANG: return;
    case CUT: hang_up(fd); return;
    case STATUS: refuse(fd, c->plan->value); return;
    case HTML: reply(fd, 200, "text/html", "", "<html><body>502 Bad Gateway</body></html>"); return;
    default: c->stream ? stream_step(fd) : answer(fd);
    }
}

static const Plan *find_plan(const char *name, size_t n) {
    for (size_t i = 0; i < sizeof PLANS / sizeof *PLANS; i++)
        if (strlen(PLANS[i].name) == n && !memcmp(PLANS[i].name, name, n)) return &PLANS[i];
    return NULL;
}

static void begin_chat(int fd, const char *body, size_t n) {
    Conn *c = &conns[fd];
    static const char KEY[] = "\"model\"";
    size_t k = 0;
    const char *end = body + n, *p = memmem(body, n, KEY, sizeof KEY - 1);
    if (p) {
        for (p += sizeof KEY - 1; p < end && (*p == ' ' || *p == ':' || *p == '"'); p++);
        for (; p + k < end && p[k] != '"' && k < sizeof c->model - 1; k++) c->model[k] = p[k];
    }
    c->model[k] = 0;
    c->plan = forced ? forced : find_plan(c->model, k);
    if (!c->plan) c->plan = &PLANS[0];
    c->stream = memmem(body, n, "\"stream\":true", 13) || memmem(body, n, "\"stream\": true", 14);
    c->wants_json = memmem(body, n, "\"response_format\"", 17) != NULL;
    c->sent = 0;
    c->busy = 1;
    chats++;
    if (c->plan->delay_ms) plan_step(c, c->plan->delay_ms);
    else step(fd);
}

static void control(int fd, const char *path) {
    char body[128];
    size_t n = strcspn(path, " ");
    if (!strncmp(path, "/plan/", 6)) {
        forced = find_plan(path + 6, n - 6);
        if (!forced && (n != 10 || memcmp(path + 6, "none", 4))) { refuse(fd, 404); return; }
    }
    snprintf(body, sizeof body, "{\"chats\":%ld,\"plan\":\"%s\"}", chats, forced ? forced->name : "none");
    reply(fd, 200, "application/json", "", body);
}

static const char *header(const char *head, const char *end, const char *name) {
    for (const char *p = memmem(head, end - head, "\r\n", 2); p && p < end; p = memmem(p, end - p, "\r\n", 2)) {
        p += 2;
        if (!strncasecmp(p, name, strlen(name))) return p + strlen(name);
    }
    return NULL;
}

// Takes the requests that have come in whole, one after the other; one waits while another is being answered.
static void take_requests(int fd) {
    Conn *c = &conns[fd];
    while (c->open && !c->busy && c->have) {
        char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
        if (!end) return;
        size_t head = end + 4 - c->in;
        const char *length = header(c->in, end + 2, "content-length:");
        if (header(c->in, end + 2, "transfer-encoding:")) { refuse(fd, 411); hang_up(fd); return; }
        size_t whole = head + (length ? strtoul(length, NULL, 10) : 0);
        if (c->have < whole) return;
        const char *path = memchr(c->in, ' ', head);
        if (path && !strncmp(path + 1, "/v1/chat", 8)) begin_chat(fd, c->in + head, whole - head);
        else if (path) control(fd, path + 1);
        if (!c->open) return;
        memmove(c->in, c->in + whole, c->have - whole);
        c->have -= whole;
    }
}

static void read_from(int fd) {
    Conn *c = &conns[fd];
    ssize_t k = c->have < IN_SIZE ? recv(fd, c->in + c->have, IN_SIZE - c->have, MSG_DONTWAIT) : 0;
    if (k < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (k <= 0) { hang_up(fd); return; }
    c->have += k;
    take_requests(fd);
}

static void welcome(int listener, int poll) {
    for (int fd; (fd = accept4(listener, NULL, NULL, 0)) >= 0;) {
        if (fd >= MAX_FD) { close(fd); continue; }
        int on = 1;
        struct timeval second = {1, 0};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
        Conn *c = &conns[fd];
        char *in = c->in ? c->in : malloc(IN_SIZE);
        *c = (Conn){.in = in, .open = 1};
        if (fd > top_fd) top_fd = fd;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
    }
}

// Makes every step that is due; returns the nanoseconds to the next one, -1 when none is planned.
static long long run_due(void) {
    long long next = -1, now = waiting ? now_ns() : 0;
    for (int fd = 0; waiting && fd <= top_fd; fd++) {
        Conn *c = &conns[fd];
        if (c->due && c->due <= now) {
            unplan(c);
            step(fd);
            if (c->open && !c->busy) take_requests(fd);
        }
        if (c->due && (next < 0 || c->due - now < next)) next = c->due > now ? c->due - now : 0;
    }
    return next;
}

int main(int argc, char **argv) {
    if (argc < 2) { fprintf(stderr, "usage: upstream PORT [NAME]\n"); return 2; }
    if (argc > 2) NAME = argv[2];
    signal(SIGPIPE, SIG_IGN);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)) { perror("upstream"); return 1; }
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, got[128];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        long long wait = run_due();
        struct timespec t = {wait / 1000000000, wait % 1000000000};
        int n = epoll_pwait2(poll, got, 128, wait < 0 ? NULL : &t, NULL);
        for (int i = 0; i < n; i++) {
            if (got[i].data.fd == listener) welcome(listener, poll);
            else if (conns[got[i].data.fd].open) read_from(got[i].data.fd);
        }
    }
}
