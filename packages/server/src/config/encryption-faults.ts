import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** What no schema says of the root of the encryption keys. */
export const encryptionFaults = (
  { encryption: { root }, root_key: rootKey }: LoadedConfig,
  where: (path: readonly string[]) => string,
): ConfigFault[] => {
  const { source, key } = root
  const isService = source !== undefined && source !== 'file' && source !== 'env'
  const wrong = (name: 'source' | 'key', problem: string, expected: string): ConfigFault => ({
    where: where(['encryption', 'root', name]),
    option: `encryption.root.${name}`,
    problem,
    expected,
  })
  if (isService && key === undefined)
    return [wrong('key', `is missing: "${String(source)}" needs it`, 'the name of the key there')]
  if (!isService && key !== undefined) return [wrong('key', 'is given without a key service', 'encryption.root.source')]
  if (source === 'env' && rootKey === undefined) return [wrong('source', '"env" needs root_key', 'HEADGATE_ROOT_KEY')]
  if (source === 'file' && rootKey !== undefined)
    return [wrong('source', '"file" is the root key in the data folder, and root_key is given', 'one of them')]
  return []
}
