/*
 * What sample.ko.hex and sample.debug.hex are made from, by gcc 12, binutils 2.40 and pahole 1.24:
 *
 *   gcc -c -O2 -gdwarf-5 -fno-pic -fno-var-tracking -fcf-protection=none \
 *       -fno-asynchronous-unwind-tables -fno-stack-protector -ffile-prefix-map="$PWD"=/build -o sample.o sample.c
 *   ld -r --build-id -o sample.ko sample.o
 *   pahole -J sample.ko
 *   objcopy --only-keep-debug --compress-debug-sections=zlib sample.ko sample.debug
 *   for file in sample.ko sample.debug; do zstd -19 --stdout $file | xxd -p -c 60 >$file.hex; done
 */
#include "include/sample.h"

static const char name[] __attribute__((section(".modinfo"), used)) = "name=sample";

typedef int status;

static __attribute__((noinline)) status leaf(int x)
{
	return external(x) + 1;
}

static inline __attribute__((always_inline)) long middle(int x)
{
	long sum = leaf(x);

	sum += external(x + 1);
	return sum + from_header(x);
}

long outer(int x, void (*callback)(void))
{
	long sum = middle(x);

	callback();
	return sum + leaf(3);
}

void *__attribute__((section(".init.text"))) start(int x)
{
	external(x);
	outer(x, 0);
	external(2);
	return 0;
}

unsigned int plain(_Bool b) { return b; }
_Bool truth(int x) { return external(x) == 3; }
enum sign { MINUS = -1, PLUS } sign(int x) { return external(x) ? MINUS : PLUS; }
void nothing(void) { external(1); external(2); }
