import type { CallerInput } from '../../kernel/route.ts'
import type { Owner } from './assets.ports.ts'

/** Whose assets a request is about: the person who is proven or named, else the project of the key. */
export const ownerOf = ({ exchange }: CallerInput): Owner => ({
  project: exchange.caller.projectId,
  subject: exchange.user ?? '',
})
