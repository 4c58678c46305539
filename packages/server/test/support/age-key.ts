import { writeFile } from 'node:fs/promises'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'

/** Makes a key pair of age: the identity in a file as `age-keygen` writes it, and the recipient. */
export const makeAgeKey = async (path: string): Promise<string> => {
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  await writeFile(path, `# public key: ${recipient}\n${identity}\n`, { mode: 0o600 })
  return recipient
}
