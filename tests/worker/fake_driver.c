/* A libcuda.so.1 without a card: every call returns FAKE_CODE (a CUresult, 100 is no device). FAKE_VERSION is the CUDA
   version that it supports, FAKE_ACT what cuInit does first: hang, wait (1 s), crash or exit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

static int code(void) { return number("FAKE_CODE", 100); }

int cuInit(unsigned flags) {
    const char *act = getenv("FAKE_ACT");
    if (act && !strcmp(act, "hang"))
        for (;;) pause();
    if (act && !strcmp(act, "wait")) sleep(1);
    if (act && !strcmp(act, "crash")) abort();
    if (act && !strcmp(act, "exit")) {
        fprintf(stderr, "NVRM: fatal\n");
        _exit(7);
    }
    return code();
}

int cuDriverGetVersion(int *version) {
    *version = number("FAKE_VERSION", 99000);
    return 0;
}

int cuDeviceGetCount(int *count) {
    *count = 0;
    return code();
}

int cuGetExportTable(const void **table, const void *id) { return code(); }

int cuGetProcAddress_v2(const char *name, void **function, int version, unsigned long long flags, void *status) {
    if (!strcmp(name, "cuInit")) *function = (void *)cuInit;
    else if (!strcmp(name, "cuDriverGetVersion")) *function = (void *)cuDriverGetVersion;
    else if (!strcmp(name, "cuDeviceGetCount")) *function = (void *)cuDeviceGetCount;
    else if (!strcmp(name, "cuGetProcAddress")) *function = (void *)cuGetProcAddress_v2;
    else *function = (void *)code;
    return 0;
}

int cuGetProcAddress(const char *name, void **function, int version, unsigned long long flags) {
    return cuGetProcAddress_v2(name, function, version, flags, 0);
}
