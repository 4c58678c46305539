import { availableParallelism } from 'node:os'

/** Most engines that work at once, where the configuration says nothing: each takes a core. */
export const localPlaces = (): number => Math.max(2, availableParallelism())
