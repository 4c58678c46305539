import { parentPort } from 'node:worker_threads'
import { type CountJob, countText } from '../count-job.ts'

/** The real tokeniser, but for a text that kills it. */
parentPort?.on('message', (job: CountJob) => {
  if (job.kind === 'text' && job.text.startsWith('crash')) throw new Error('crashed as told')
  parentPort?.postMessage({ id: job.id, tokens: job.kind === 'text' ? countText(job.text) : null })
})
