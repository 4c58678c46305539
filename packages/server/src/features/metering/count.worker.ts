import { parentPort } from 'node:worker_threads'
import { countChat, countText } from './count-job.ts'
import type { CountJob, CountResult } from './count-job.ts'

parentPort?.on('message', (job: CountJob) => {
  const tokens = job.kind === 'text' ? countText(job.text) : countChat(job.body)
  parentPort?.postMessage({ id: job.id, tokens } satisfies CountResult)
})
