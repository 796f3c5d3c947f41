int external(int x);

static inline __attribute__((always_inline)) int from_header(int x)
{
	return external(x + 2);
}
