import type { Route } from '../kernel/route.ts'
import type { Fail } from './fail.ts'
import { type Handler, type MountOptions, mountRoute } from './mount.ts'
import type { Respond } from './posts.ts'

/** What stands behind the door. */
export interface Door extends MountOptions {
  readonly routes: readonly Route[]
}

/** The handlers of one door, in the order of its routes, and its requests that have not ended. */
interface Standing {
  readonly fail: Fail
  readonly handlers: readonly Handler[]
  open: number
  emptied: () => void
}

const stand = (door: Door): Standing => ({
  fail: door.fail,
  handlers: door.routes.map((route) => mountRoute(route, door)),
  open: 0,
  emptied: () => {},
})

/** Keeps the door that takes new requests; those that began behind a former one end there. */
export const createStanding = (first: Door) => {
  let standing = stand(first)
  return {
    /** Presents the errors of the present door. */
    fail: (): Fail => standing.fail,
    /** Answers by the route in this place of the list. */
    respondAt:
      (index: number): Respond =>
      (request, response, params, query) => {
        const begun = standing
        begun.open += 1
        const handler = begun.handlers[index] as Handler
        void handler(request, response, params, query).then(() => {
          begun.open -= 1
          if (begun.open === 0) begun.emptied()
        })
      },
    /** Puts another door in front; resolves when the last request of the former one has ended. */
    replace: (door: Door): Promise<void> => {
      const former = standing
      standing = stand(door)
      return former.open === 0 ? Promise.resolve() : new Promise((resolve) => (former.emptied = resolve))
    },
  }
}
