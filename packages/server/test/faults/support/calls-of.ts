import type { Upstream } from '@headgate/qa/upstream/upstream.ts'

/** What the upstream did for calls; a gateway also asks it for its models. */
export const callsOf = (upstream: Pick<Upstream, 'truth'>) =>
  upstream.truth().filter(({ path }) => path === '/v1/chat/completions')
