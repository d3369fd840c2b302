/* boot.c - vector table and reset for any Cortex-M that QEMU emulates; printf and files by semihosting. */
#include <stdint.h>

#include "marks.h"

extern uint32_t _estack, _sdata, _edata, _sidata, _sbss, _ebss;
extern int main(void);
extern void exit(int) __attribute__((noreturn));
extern void initialise_monitor_handles(void);

#define CPACR (*(volatile uint32_t *)0xE000ED88)

void Reset_Handler(void) {
    CPACR |= 0xFu << 20; /* the floating point unit, and MVE, on */
    __asm volatile("dsb\nisb");
    uint32_t *from = &_sidata;
    for (uint32_t *to = &_sdata; to < &_edata;)
        *to++ = *from++;
    for (uint32_t *to = &_sbss; to < &_ebss;)
        *to++ = 0;
    initialise_monitor_handles();
    exit(main());
}

static void fault(void) { /* ends the emulator with an error */
    MARK_FAULT;
    register uint32_t call __asm("r0") = 0x18, reason __asm("r1") = 0x20023;
    __asm volatile("bkpt 0xab" ::"r"(call), "r"(reason));
    for (;;)
        ;
}

__attribute__((section(".vectors"), used)) void *const vectors[16] = {
    &_estack, Reset_Handler, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault,
};
