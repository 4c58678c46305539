import { header } from '@headgate/contract/headers.ts'

/** Adds one sentence to what the caller is told beside the answer. */
export const addWarning = (headers: Record<string, string>, warning: string): void => {
  const others = headers[header.warning]
  headers[header.warning] = others === undefined ? warning : `${others}, ${warning}`
}
