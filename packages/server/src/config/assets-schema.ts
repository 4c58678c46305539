import { Type } from 'typebox'
import { CdnSchema } from './cdn-schema.ts'
import { bucketSchema } from './bucket-schema.ts'
import { count, group } from './schema-parts.ts'

/** Contents that people own. */
export const AssetsSchema = group(
  {
    max_bytes: count('Largest content; more is refused before it is read.', 1_073_741_824),
    owner_bytes: count(
      'Most bytes of versions and open uploads that one person, or a project itself, may have where its tier says nothing.',
      5_368_709_120,
    ),
    versions: Type.Integer({
      minimum: 1,
      maximum: 1_000,
      default: 10,
      description: 'Versions of one asset that are kept; older ones are erased.',
    }),
    upload_hours: Type.Integer({
      minimum: 1,
      maximum: 720,
      default: 24,
      description: 'Hours after which an upload is erased with which nobody went on.',
    }),
    max_image_pixels: count(
      'Most pixels, of all frames together, of a picture that is made small or anew: four bytes of memory each.',
      50_000_000,
    ),
    max_image_bytes: count('Most bytes of such a picture.', 33_554_432),
    clamd: Type.Optional(
      Type.String({
        pattern: '^(\\[[0-9a-fA-F:]+\\]|[^:/\\s\\[\\]]{1,253}):\\d{1,5}$',
        description: 'Host and port of a clamd that scans every content before it is kept; absent: nothing is scanned.',
      }),
    ),
    folder: Type.Optional(
      Type.String({
        minLength: 1,
        'x-path': true,
        description: 'Folder of the contents; absent: `assets` in the data folder. Replicas share one.',
      }),
    ),
    cdn: CdnSchema,
    s3: bucketSchema('A bucket for the contents; several machines share it.', 'they are files'),
  },
  'Contents at `/v1/assets`.',
)
