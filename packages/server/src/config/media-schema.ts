import { Type } from 'typebox'
import { count, group, money, named } from './schema-parts.ts'

const modelName = (description: string) => Type.String({ minLength: 1, maxLength: 256, description })

/** What calls for images and audio may bring. */
export const mediaSchema = group(
  {
    max_image_bytes: count('Largest form with pictures to be changed.', 52_428_800),
    max_audio_bytes: count('Largest form with a recording.', 27_262_976),
    max_audio_seconds: count('Longest recording; by it one is bounded whose length its file does not tell.', 7_200),
    image_model: Type.Optional(modelName('Model of `GET /image/{prompt}` where the address names none.')),
    text_model: Type.Optional(modelName('Model of `GET /text/{prompt}` where the address names none.')),
  },
  'Pictures, recordings, and calls by an address alone.',
)

/** Of the price of a model: what is not counted in tokens, and tokens of another rate. */
export const mediaPrices = {
  media_input: Type.Optional(money('USD per million input tokens of pictures or audio; absent: as `input`.')),
  media_output: Type.Optional(money('USD per million output tokens of pictures or audio; absent: as `output`.')),
  image: Type.Optional(money('USD per image of a kind that `images` does not name.')),
  images: Type.Optional(
    named('^\\S{1,64}$', money('USD per image.'), {
      description: 'USD per image by its kind: `size`, `quality` or `quality/size`, such as `hd/1024x1792`.',
    }),
  ),
  audio_minute: Type.Optional(money('USD per minute of audio, heard or spoken.')),
  characters: Type.Optional(money('USD per million characters spoken.')),
}
