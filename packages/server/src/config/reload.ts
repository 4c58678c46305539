import { isDeepStrictEqual } from 'node:util'
import { type Settings, settle } from './config.ts'
import { ConfigFaults } from './faults.ts'
import { type ConfigInput, gather } from './gather.ts'
import type { Leaf } from './layers.ts'
import { isLive, pathKey, printPath } from './options.ts'

/** A configuration read anew while the former one is in use. */
export type Reloaded = {
  /** What takes effect: the options that a reload changes as they are now, all others as they were at the start. */
  readonly settings: Settings
  /** Names of the options that differ and take effect; `tls` stands for what its files hold. */
  readonly changed: readonly string[]
  /** Names of the options that differ and wait for the next start. */
  readonly restart: readonly string[]
}

const byPath = (sources: readonly Leaf[]) => new Map(sources.map((leaf) => [pathKey(leaf.path), leaf]))

const differing = (before: readonly Leaf[], after: readonly Leaf[]): (readonly string[])[] => {
  const [former, latter] = [byPath(before), byPath(after)]
  const isSame = (one: Leaf | undefined, other: Leaf | undefined): boolean =>
    isDeepStrictEqual(one?.value, other?.value) && one?.text === other?.text
  return [...new Map([...former, ...latter])].flatMap(([key, { path }]) =>
    isSame(former.get(key), latter.get(key)) ? [] : [path],
  )
}

/** The members of `after` that take effect, and the others of `before`. */
const overlay = <T extends object>(before: T, after: T, takesEffect: (path: readonly string[]) => boolean): T =>
  Object.freeze(
    Object.fromEntries([
      ...Object.entries(before).filter(([name]) => !takesEffect([name])),
      ...Object.entries(after).filter(([name]) => takesEffect([name])),
    ]),
  ) as T

/**
 * Reads every source anew. The environment of a running process does not change; `.env`, `headgate.yaml` and what they name do.
 * @throws ConfigFaults with everything that is wrong; a change of the profile is, since all defaults and refusals turn on it.
 */
export const reloadConfig = async (input: ConfigInput, running: Settings): Promise<Reloaded> => {
  const { config: before, secrets: known, tls: formerTls } = running
  const next = await settle(await gather(input), () => Promise.resolve(known.root_key))
  const paths = differing(running.sources, next.sources)
  const profile = next.sources.find(({ path }) => path[0] === 'profile')
  if (next.config.profile !== before.profile) {
    const problem = `is now "${next.config.profile}"`
    const expected = `"${before.profile}", or a restart`
    throw new ConfigFaults([{ where: profile?.where ?? 'default', option: 'profile', problem, expected }])
  }
  // Whether the port speaks TLS is decided where it is opened.
  const tlsStays = (formerTls === undefined) === (next.tls === undefined)
  const takesEffect = (path: readonly string[]): boolean => isLive(path) && (path[0] !== 'tls' || tlsStays)
  const newFiles = tlsStays && !isDeepStrictEqual(formerTls, next.tls)
  const isNamed = paths.some(
    ([first, second]) => first === 'provenance' && ['certificate', 'key'].includes(second ?? ''),
  )
  const newSigner = isNamed || isDeepStrictEqual(running.signer, next.signer) ? [] : ['provenance.certificate']
  const tls = tlsStays ? next.tls : formerTls
  return {
    settings: {
      config: overlay(before, next.config, takesEffect),
      secrets: overlay(known, next.secrets, takesEffect),
      sources: [
        ...next.sources.filter(({ path }) => takesEffect(path)),
        ...running.sources.filter(({ path }) => !takesEffect(path)),
      ],
      ...(tls && { tls }),
      ...(next.signer && { signer: next.signer }),
    },
    changed: [...paths.filter(takesEffect).map(printPath), ...(newFiles ? ['tls'] : []), ...newSigner],
    restart: paths.filter((path) => !takesEffect(path)).map(printPath),
  }
}
