/* armcount.c - a QEMU TCG plugin that counts what an Arm program executes: instructions by class between
 * markers, and misses of a modelled L1I, L1D and L2.
 *
 *   -plugin armcount.so,out=FILE[,cache=1][,l1i=BYTES][,l1d=BYTES][,l2=BYTES][,l1i_ways=N][,l1d_ways=N][,l2_ways=N]
 *
 * Plugin API 1, as QEMU 7.2 (Debian 12) has it; QEMU 9 and later want API 2 and are refused by QEMU itself.
 * The prototypes are declared here, so that neither QEMU's nor glib's headers are needed.
 *
 * Marker k: on AArch64 Linux the system call close(0x5eed0000 + k); on Cortex-M the Thumb hint 0xbf50 + 16 k,
 * k = 0 to 10, which does nothing on silicon. Each marker writes one line, sums since the start:
 *   M k total <one number a class> l1i_misses l1d_accesses l1d_misses l2_misses
 * The order of the classes is that of `enum instruction_class` and of CLASSES in counts.py.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
typedef uint32_t memory_info;
struct block;
struct instruction;
typedef struct {
    const char *target;
    struct { int least, current; } version;
    bool is_system;
    int cpus, most_cpus;
} install_info;

extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern struct instruction *qemu_plugin_tb_get_insn(const struct block *, size_t);
extern const void *qemu_plugin_insn_data(const struct instruction *);
extern size_t qemu_plugin_insn_size(const struct instruction *);
extern uint64_t qemu_plugin_insn_vaddr(const struct instruction *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct instruction *, int, void *, uint64_t);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct instruction *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct block *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_mem_cb(
    struct instruction *, void (*)(unsigned, memory_info, uint64_t, void *), int, int, void *);
extern unsigned qemu_plugin_mem_size_shift(memory_info);
extern void qemu_plugin_register_vcpu_syscall_cb(
    plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t, uint64_t));
extern void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);

#define EXPORTED __attribute__((visibility("default")))
#define INLINE_ADD 0
#define NO_REGISTERS 0
#define READ_AND_WRITE 3

EXPORTED int qemu_plugin_version = 1;

enum instruction_class {
    ALU, BRANCH, LOAD, STORE, VECTOR_LOAD, VECTOR_STORE, MULTIPLY, VECTOR_MAC, DOT_PRODUCT, FLOAT_MAC,
    VECTOR_OTHER, DIVIDE, SYSTEM, PREFETCH, CLASSES
};

static uint64_t executed[CLASSES];
static FILE *out;
static bool is_aarch64, models_caches;

/* ---- caches: set-associative, 64-byte lines, least recently used ---- */

enum { LINE_SHIFT = 6 };

typedef struct {
    uint64_t sets, ways, clock, accesses, misses;
    uint64_t *lines, *used; /* line number + 1, 0 for none; when it was last used */
} cache;

static cache l1i, l1d, l2;

static void make_cache(cache *c, uint64_t bytes, uint64_t ways) {
    c->ways = ways ? ways : 1;
    c->sets = (bytes >> LINE_SHIFT) / c->ways;
    if (!c->sets)
        c->sets = 1;
    c->lines = calloc(c->sets * c->ways, sizeof *c->lines);
    c->used = calloc(c->sets * c->ways, sizeof *c->used);
    if (!c->lines || !c->used) {
        fprintf(stderr, "armcount: no memory for a cache\n");
        exit(1);
    }
}

static bool touch(cache *c, uint64_t line) {
    uint64_t first = line % c->sets * c->ways, oldest = first;
    c->accesses++;
    c->clock++;
    for (uint64_t i = first; i < first + c->ways; i++) {
        if (c->lines[i] == line + 1) {
            c->used[i] = c->clock;
            return true;
        }
        if (c->used[i] < c->used[oldest])
            oldest = i;
    }
    c->lines[oldest] = line + 1;
    c->used[oldest] = c->clock;
    c->misses++;
    return false;
}

static void touch_range(cache *first_level, uint64_t from, uint64_t to) {
    for (uint64_t line = from >> LINE_SHIFT; line <= to >> LINE_SHIFT; line++)
        if (!touch(first_level, line))
            touch(&l2, line);
}

static void on_memory(unsigned cpu, memory_info info, uint64_t address, void *unused) {
    (void)cpu, (void)unused;
    touch_range(&l1d, address, address + (UINT64_C(1) << qemu_plugin_mem_size_shift(info)) - 1);
}

static void on_block(unsigned cpu, void *range) {
    (void)cpu;
    touch_range(&l1i, ((uint64_t *)range)[0], ((uint64_t *)range)[1]);
}

/* ---- classes ---- */

static uint32_t bits(uint32_t word, int high, int low) {
    return word >> low & ((UINT32_C(2) << (high - low)) - 1);
}

static int load_or_store64(uint32_t word) {
    bool vector = bits(word, 26, 26), load = bits(word, 22, 22);
    uint32_t form = word >> 24 & 0x3b;
    if (form == 0x18) /* literal */
        return word >> 24 == 0xd8 ? PREFETCH : vector ? VECTOR_LOAD : LOAD;
    if (!vector && (form == 0x39 || form == 0x38) && bits(word, 23, 22) >= 2)
        return bits(word, 31, 30) == 3 ? PREFETCH : LOAD; /* prfm; else sign-extending loads */
    if (vector)
        return load ? VECTOR_LOAD : VECTOR_STORE;
    return load ? LOAD : STORE;
}

static int vector_by_vector64(uint32_t word) {
    uint32_t low = bits(word, 15, 10), opcode = bits(word, 15, 12);
    if (!bits(word, 21, 21)) /* sdot, udot */
        return low == 0x25 ? DOT_PRODUCT : VECTOR_OTHER;
    if (bits(word, 11, 10) == 0 && (opcode == 8 || opcode == 10 || opcode == 12))
        return VECTOR_MAC; /* smlal, smlsl, smull */
    if (low == 0x25 || low == 0x27)
        return VECTOR_MAC; /* mla, mls, mul */
    if (low == 0x33)
        return FLOAT_MAC; /* fmla, fmls */
    return (word & 0x003ffc00) == 0x00206800 ? VECTOR_MAC : VECTOR_OTHER; /* sadalp */
}

static int vector_by_element64(uint32_t word) {
    uint32_t opcode = bits(word, 15, 12);
    if (opcode == 14)
        return DOT_PRODUCT;
    if (opcode == 1 || opcode == 5 || opcode == 9)
        return FLOAT_MAC; /* fmla, fmls, fmul */
    return opcode == 0 || opcode == 2 || opcode == 4 || opcode == 6 || opcode == 8 || opcode == 10 ? VECTOR_MAC
                                                                                                  : VECTOR_OTHER;
}

static int class_of_aarch64(uint32_t word) {
    uint32_t group = bits(word, 28, 25);
    if ((group & 14) == 8)
        return ALU;
    if ((group & 14) == 10)
        return word >> 24 == 0xd5 ? SYSTEM : BRANCH;
    if ((group & 5) == 4)
        return load_or_store64(word);
    if ((group & 7) == 5) {
        if (bits(word, 30, 24) == 0x1b)
            return MULTIPLY;
        return (word & 0x7fe0f800) == 0x1ac00800 ? DIVIDE : ALU;
    }
    if ((group & 7) != 7)
        return SYSTEM;
    if (word >> 24 == 0x1f)
        return FLOAT_MAC;
    if (!(word >> 31) && bits(word, 28, 24) == 0x0e)
        return vector_by_vector64(word);
    if (!(word >> 31) && bits(word, 28, 24) == 0x0f && !bits(word, 10, 10))
        return vector_by_element64(word);
    return VECTOR_OTHER;
}

static int class_of_thumb16(uint32_t half) {
    uint32_t group = half >> 12;
    if ((half & 0xf800) == 0x4800)
        return LOAD; /* literal */
    if (group == 5)
        return bits(half, 11, 9) >= 3 ? LOAD : STORE;
    if ((group >= 6 && group <= 9) || group == 12)
        return bits(half, 11, 11) ? LOAD : STORE;
    if ((half & 0xfe00) == 0xb400)
        return STORE; /* push */
    if ((half & 0xfe00) == 0xbc00)
        return LOAD; /* pop */
    if (group == 13 || group == 14 || (half & 0xff00) == 0x4700 || (half & 0xf500) == 0xb100)
        return BRANCH; /* b, bx, blx, cbz */
    if ((half & 0xffc0) == 0x4340)
        return MULTIPLY;
    return (half & 0xff00) == 0xbf00 && !(half & 15) ? SYSTEM : ALU; /* hints; it{} counts as ALU */
}

static int class_of_thumb32(uint32_t half, uint32_t second) {
    if ((half & 0xfe00) == 0xe800) {
        if ((half & 0xfff0) == 0xe8d0 && (second & 0xffe0) == 0xf000)
            return BRANCH; /* tbb, tbh */
        return bits(half, 4, 4) ? LOAD : STORE;
    }
    if ((half & 0xfe00) == 0xf800)
        return bits(half, 4, 4) ? LOAD : STORE;
    if ((half & 0xff80) == 0xfb00) {
        uint32_t opcode = bits(half, 6, 4);
        return opcode == 2 || opcode == 4 ? DOT_PRODUCT : MULTIPLY; /* smlad, smuad, smlsd: two products */
    }
    if ((half & 0xff80) == 0xfb80)
        return (half & 0x00d0) == 0x0090 ? DIVIDE : MULTIPLY;
    if ((half & 0xf800) == 0xf000 && second >> 15)
        return BRANCH;
    return (half & 0xec00) == 0xec00 ? VECTOR_OTHER : ALU; /* floating point, MVE */
}

static int class_of(const uint8_t *bytes, size_t size) {
    uint32_t low = bytes[0] | (uint32_t)bytes[1] << 8;
    uint32_t high = size == 4 ? bytes[2] | (uint32_t)bytes[3] << 8 : 0;
    if (is_aarch64)
        return class_of_aarch64(high << 16 | low);
    return size == 2 ? class_of_thumb16(low) : class_of_thumb32(low, high);
}

/* ---- markers ---- */

enum { MARKER_CALL = 57 /* close */, MARKER_FILE = 0x5eed0000, FIRST_HINT = 0xbf50 };

static void mark(int number) {
    uint64_t total = 0;
    for (int i = 0; i < CLASSES; i++)
        total += executed[i];
    fprintf(out, "M %d %" PRIu64, number, total);
    for (int i = 0; i < CLASSES; i++)
        fprintf(out, " %" PRIu64, executed[i]);
    fprintf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", l1i.misses, l1d.accesses, l1d.misses, l2.misses);
    fflush(out);
}

static void on_hint(unsigned cpu, void *number) {
    (void)cpu;
    mark((int)(intptr_t)number);
}

static void on_system_call(plugin_id id, unsigned cpu, int64_t call, uint64_t a1, uint64_t a2, uint64_t a3,
                           uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (call == MARKER_CALL && ((uint32_t)a1 & 0xffff0000u) == MARKER_FILE)
        mark((int)(a1 & 0xffff));
}

static int hint_of(const uint8_t *bytes, size_t size) { /* -1 where the instruction is no marker */
    uint32_t half = bytes[0] | (uint32_t)bytes[1] << 8;
    bool is_marker = !is_aarch64 && size == 2 && (half & 0xff0f) == (FIRST_HINT & 0xff0f) && half >= FIRST_HINT;
    return is_marker ? (int)(half - FIRST_HINT) >> 4 : -1;
}

static void on_translation(plugin_id id, struct block *block) {
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(block);
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        struct instruction *instruction = qemu_plugin_tb_get_insn(block, i);
        const uint8_t *bytes = qemu_plugin_insn_data(instruction);
        size_t size = qemu_plugin_insn_size(instruction);
        int hint = hint_of(bytes, size);
        last = qemu_plugin_insn_vaddr(instruction) + size - 1;
        if (hint >= 0) { /* not counted itself, so that marking changes no count */
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_hint, NO_REGISTERS, (void *)(intptr_t)hint);
            continue;
        }
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, INLINE_ADD, &executed[class_of(bytes, size)], 1);
        if (models_caches)
            qemu_plugin_register_vcpu_mem_cb(instruction, on_memory, NO_REGISTERS, READ_AND_WRITE, NULL);
    }
    if (models_caches && count) {
        uint64_t *range = malloc(2 * sizeof *range); /* kept as long as QEMU may run the block */
        if (!range)
            return;
        range[0] = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0));
        range[1] = last;
        qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, NO_REGISTERS, range);
    }
}

static void on_exit_of_guest(plugin_id id, void *unused) {
    (void)id, (void)unused;
    mark(-1);
}

EXPORTED int qemu_plugin_install(plugin_id id, const install_info *info, int argc, char **argv) {
    uint64_t cache_flag = 0;
    uint64_t sizes[3] = {32768, 32768, 524288}, ways[3] = {2, 4, 16};
    struct { const char *name; uint64_t *value; } options[] = {
        {"cache", &cache_flag}, {"l1i", &sizes[0]}, {"l1d", &sizes[1]}, {"l2", &sizes[2]},
        {"l1i_ways", &ways[0]}, {"l1d_ways", &ways[1]}, {"l2_ways", &ways[2]},
    };
    out = stderr;
    is_aarch64 = !strcmp(info->target, "aarch64");
    for (int i = 0; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            return 1;
        *value++ = 0;
        if (!strcmp(argv[i], "out") && !(out = fopen(value, "w"))) {
            fprintf(stderr, "armcount: cannot write %s\n", value);
            return 1;
        }
        for (size_t k = 0; k < sizeof options / sizeof *options; k++)
            if (!strcmp(argv[i], options[k].name))
                *options[k].value = strtoull(value, NULL, 10);
    }
    models_caches = cache_flag != 0;
    make_cache(&l1i, sizes[0], ways[0]);
    make_cache(&l1d, sizes[1], ways[1]);
    make_cache(&l2, sizes[2], ways[2]);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    if (!info->is_system)
        qemu_plugin_register_vcpu_syscall_cb(id, on_system_call);
    qemu_plugin_register_atexit_cb(id, on_exit_of_guest, NULL);
    return 0;
}
