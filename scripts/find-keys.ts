import { keyPattern, parseKey } from '../packages/server/src/features/identity/key-secret.ts'

/** Headgate keys in a text, by line, shown without their secret. What only looks like one has no right checksum and is none. */
export const findKeys = (text: string): string[] =>
  text.split('\n').flatMap((line, index) =>
    [...line.matchAll(new RegExp(keyPattern, 'g'))].flatMap(([key]) => {
      const parsed = parseKey(key)
      return parsed ? [`line ${index + 1}: a ${parsed.kind} Headgate key, ${key.slice(0, 6)}${parsed.publicId}…`] : []
    }),
  )
