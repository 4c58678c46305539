import { AssetsSchema } from './assets-schema.ts'
import { count, group } from './schema-parts.ts'

/** Files that callers keep here. */
const FilesSchema = group(
  {
    max_bytes: count('Largest file; more is refused before it is read.', 67_108_864),
    key_bytes: count('Most bytes of files that one key may have uploaded and not deleted.', 1_073_741_824),
    output_days: count('Days that the files of a batch are kept where it names no time.', 30),
  },
  'Files at `/v1/files`.',
)

/** Batches of calls. */
const BatchesSchema = group(
  {
    max_lines: count('Most lines of one batch.', 50_000),
    running: count('Most batches that one process works on at once.', 4),
    concurrency: count('Calls of one batch that are under way at once.', 8),
    keep_days: count('Days that a batch is listed after its end.', 90),
  },
  'Batches at `/v1/batches`.',
)

export const filesOptions = { files: FilesSchema, batches: BatchesSchema, assets: AssetsSchema }
