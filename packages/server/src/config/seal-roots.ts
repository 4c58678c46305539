import { localRoot, type SealRoot, type SealRoots } from '../kernel/seal-root.ts'
import { ConfigFaults } from './faults.ts'
import type { KeyService } from './key-sources/source.ts'
import type { Config, LoadedConfig } from './schema.ts'
import type { Variables } from './variables.ts'

const serviceOf = (source: string | undefined): KeyService | null =>
  source === undefined || source === 'file' || source === 'env' ? null : (source as KeyService)

/**
 * What wraps encryption keys: the root key, or the key of a service, which takes over from the root key as soon as it is configured.
 * The clients of the services are loaded only where one is used.
 */
export const sealRootsOf = async (
  { encryption: { root } }: LoadedConfig,
  rootKey: { reveal(): string },
  variables: Variables,
): Promise<SealRoots> => {
  const local = localRoot(rootKey)
  const service = serviceOf(root.source)
  if (service === null && root.former.length === 0) return { current: local, former: [] }
  const { serviceRoot } = await import('./key-sources/open.ts')
  const former = root.former.map((text) => {
    const colon = text.indexOf(':')
    return serviceRoot(text.slice(0, colon) as KeyService, text.slice(colon + 1), variables)
  })
  if (service === null) return { current: local, former }
  return { current: serviceRoot(service, root.key as string, variables), former: [...former, local] }
}

/** Has a key service wrap a key and open it again, so that a start says what is wrong. @throws ConfigFaults */
export const assertSealRoot = async ({ encryption: { root } }: Config, current: SealRoot): Promise<void> => {
  if (serviceOf(root.source) === null) return
  const { problemOfRoot } = await import('./key-sources/open.ts')
  const problem = await problemOfRoot(current)
  if (problem === null) return
  throw new ConfigFaults([
    {
      where: `encryption.root (${current.id})`,
      option: 'encryption.root',
      problem,
      expected: 'a key service that answers, with a key that Headgate may encrypt and decrypt with',
    },
  ])
}
