// stream_load.c: N clients that each ask for a streamed answer, read it to its end, and ask again.
//
// Reads the HTTP chunks and the lines of the event stream properly, so that an answer that ends early is counted
// as such. Prints one line of JSON: whole and broken streams, events per second, time to the first token.
//
// build: gcc -O2 -Wall -Wextra -o stream_load stream_load.c
// run:   ./stream_load PORT CLIENTS SECONDS BODY_FILE [HEADER: VALUE]...
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 1024, LINE = 16384, MAX_SAMPLES = 1 << 20 };
enum State { HEAD, SIZE, DATA, DATA_END, TRAILER, UNTIL_CLOSE };

typedef struct {
    int fd, status, first_seen, done_seen;
    enum State state;
    int chunked;
    size_t left;            // bytes left of the chunk
    size_t head_n, text_n;  // what is in the two line buffers
    char head[LINE], text[LINE];
    double asked;
} Client;

typedef struct { double *at; long n; } Samples;

static Client clients[MAX_CLIENTS];
static Samples firsts, totals;
static long whole, without_done, cut, refused, events, errors;
static char *request;
static size_t request_n;
static int port, poller;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void note(Samples *s, double value) {
    if (s->n < MAX_SAMPLES) s->at[s->n++] = value;
}

static void connect_client(Client *c) {
    int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&to, sizeof to)) { perror("stream_load: connect"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
}

static void ask(Client *c) {
    c->state = HEAD;
    c->status = c->first_seen = c->done_seen = c->chunked = 0;
    c->head_n = c->text_n = c->left = 0;
    c->asked = now_s();
    if (send(c->fd, request, request_n, MSG_NOSIGNAL) == (ssize_t)request_n) return;
    close(c->fd);
    connect_client(c);
    if (send(c->fd, request, request_n, MSG_NOSIGNAL) < 0) { perror("stream_load: send"); exit(1); }
}

static void end_answer(Client *c, int closed) {
    if (c->status != 200) refused++;
    else if (c->done_seen) { whole++; note(&totals, now_s() - c->asked); }
    else if (closed) cut++;
    else without_done++;
    if (closed || c->status != 200) {
        close(c->fd);
        if (c->status != 200) usleep(1000);
        connect_client(c);
    }
    ask(c);
}

// One line of the event stream. A token is a delta whose content is not the empty string.
static void take_line(Client *c, char *line) {
    if (strncmp(line, "data:", 5)) return;
    if (strstr(line, "[DONE]")) { c->done_seen = 1; return; }
    events++;
    if (strstr(line, "\"error\"")) errors++;
    if (c->first_seen) return;
    char *content = strstr(line, "\"content\":");
    if (!content) return;
    content += 10;
    while (*content == ' ') content++;
    if (content[0] == '"' && content[1] != '"') { c->first_seen = 1; note(&firsts, now_s() - c->asked); }
}

static void take_text(Client *c, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            c->text[c->text_n] = 0;
            take_line(c, c->text);
            c->text_n = 0;
        } else if (bytes[i] != '\r' && c->text_n < LINE - 1) {
            c->text[c->text_n++] = bytes[i];
        }
    }
}

// A whole line of the head or of the chunk framing; returns 1 when the answer has ended.
static int take_frame(Client *c, char *line) {
    switch (c->state) {
    case HEAD:
        if (!c->status) c->status = atoi(line + 9);
        else if (!strncasecmp(line, "transfer-encoding:", 18)) c->chunked = 1;
        else if (!*line && c->status != 200) return 1;
        else if (!*line) c->state = c->chunked ? SIZE : UNTIL_CLOSE;
        return 0;
    case SIZE:
        c->left = strtoul(line, NULL, 16);
        c->state = c->left ? DATA : TRAILER;
        return 0;
    case DATA_END: c->state = SIZE; return 0;
    case TRAILER: return !*line;
    default: return 0;
    }
}

// Returns 1 when the answer has ended; what follows it in `bytes` is dropped, since nothing more was asked.
static int take_bytes(Client *c, const char *bytes, size_t n) {
    for (size_t i = 0; i < n;) {
        if (c->state == DATA || c->state == UNTIL_CLOSE) {
            size_t k = c->state == DATA && c->left < n - i ? c->left : n - i;
            take_text(c, bytes + i, k);
            i += k;
            if (c->state == DATA && !(c->left -= k)) c->state = DATA_END;
            continue;
        }
        char b = bytes[i++];
        if (b != '\n') {
            if (b != '\r' && c->head_n < LINE - 1) c->head[c->head_n++] = b;
            continue;
        }
        c->head[c->head_n] = 0;
        c->head_n = 0;
        if (take_frame(c, c->head)) return 1;
    }
    return 0;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile_ms(Samples *s, double p) {
    return s->n ? s->at[(long)((s->n - 1) * p + 0.5)] * 1e3 : -1;
}

static void build_request(const char *body_file, int headers, char **header) {
    FILE *f = fopen(body_file, "rb");
    if (!f) { perror("stream_load: body"); exit(2); }
    char *body = malloc(1 << 20);
    size_t n = fread(body, 1, 1 << 20, f);
    fclose(f);
    request = malloc(n + 16384);
    request_n = sprintf(request, "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                                 "Content-Type: application/json\r\nContent-Length: %zu\r\n", port, n);
    for (int i = 0; i < headers; i++) request_n += snprintf(request + request_n, 1024, "%s\r\n", header[i]);
    memcpy(request + request_n, "\r\n", 2);
    memcpy(request + request_n + 2, body, n);
    request_n += 2 + n;
    free(body);
}

int main(int argc, char **argv) {
    if (argc < 5) { fprintf(stderr, "usage: stream_load PORT CLIENTS SECONDS BODY_FILE [HEADER: VALUE]...\n"); return 2; }
    port = atoi(argv[1]);
    int n = atoi(argv[2]);
    if (n < 1 || n > MAX_CLIENTS) { fprintf(stderr, "stream_load: 1 to %d clients\n", MAX_CLIENTS); return 2; }
    build_request(argv[4], argc - 5, argv + 5);
    firsts.at = malloc(MAX_SAMPLES * sizeof(double));
    totals.at = malloc(MAX_SAMPLES * sizeof(double));
    poller = epoll_create1(0);
    double start = now_s(), end = start + atof(argv[3]);
    for (int i = 0; i < n; i++) { connect_client(&clients[i]); ask(&clients[i]); }
    static char in[65536];
    struct epoll_event got[128];
    while (now_s() < end) {
        int k = epoll_wait(poller, got, 128, 20);
        for (int i = 0; i < k; i++) {
            Client *c = got[i].data.ptr;
            ssize_t r = recv(c->fd, in, sizeof in, MSG_DONTWAIT);
            if (r < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (r <= 0) end_answer(c, 1);
            else if (take_bytes(c, in, r)) end_answer(c, 0);
        }
    }
    double took = now_s() - start;
    qsort(firsts.at, firsts.n, sizeof(double), by_value);
    qsort(totals.at, totals.n, sizeof(double), by_value);
    printf("{\"requests\":%ld,\"events\":%ld,\"events_s\":%.1f,\"rps\":%.1f,\"first_p50_ms\":%.3f,\"first_p99_ms\":%.3f,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"without_done\":%ld,\"cut\":%ld,\"not_200\":%ld,\"error_events\":%ld}\n",
           whole, events, events / took, whole / took, percentile_ms(&firsts, .5), percentile_ms(&firsts, .99),
           percentile_ms(&totals, .5), percentile_ms(&totals, .99), without_done, cut, refused, errors);
    return 0;
}
