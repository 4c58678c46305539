/** Options of a test that measures how long something takes: what other work on the machine has spoiled is measured again. */
export const timed = { retry: 2 } as const
