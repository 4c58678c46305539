import {
  SpeechEventSchema,
  SpeechRequestSchema,
  SpeechSchema,
  TranscriptEventSchema,
  TranscriptionRequestSchema,
  TranscriptSchema,
  TranslationRequestSchema,
} from '@headgate/contract/audio.ts'
import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { header } from '@headgate/contract/headers.ts'
import {
  ImageEditSchema,
  ImageEventSchema,
  ImageRequestSchema,
  ImagesSchema,
  ImageVariationSchema,
} from '@headgate/contract/images.ts'
import { ModerationRequestSchema, ModerationsSchema } from '@headgate/contract/moderations.ts'
import type { Operation } from '../../domain/inference.ts'
import { defineRoute, type Route, type RouteReference } from '../../kernel/route.ts'
import { readForm } from './form-wire.ts'
import { callErrors, callHeaders, type GatewayRoutePorts } from './gateway.routes.ts'
import { handleCall } from './handle-call.ts'

/** How much a call for images or audio may bring. */
export interface MediaLimits {
  /** Bytes of a form with pictures, and of one with a recording. */
  readonly maxImageBytes: number
  readonly maxAudioBytes: number
  readonly maxAudioSeconds: number
}

interface MediaRoutePorts extends GatewayRoutePorts {
  readonly media: MediaLimits
}

const passedOn = 'OpenAI’s protocol. Members that are not listed here go to the provider as they were written.'
const formPassedOn = 'OpenAI’s protocol. The form goes to the provider as it came, but for the name of the model.'
const mediaErrors: readonly ErrorCode[] = [...callErrors, 'provenance_failed', 'secret_key_required']
const formErrors: readonly ErrorCode[] = [...mediaErrors, 'invalid_multipart']
const mebibytes = (bytes: number): string => `${Math.round((bytes / 1_048_576) * 10) / 10} MiB`

/** Those of answers that may be signed, or kept. */
export const mediaHeaders = [...callHeaders, header.provenance, header.asset]

/** What every inference route of a browser is; the rest of a route that takes JSON. */
const jsonCall = (
  ports: GatewayRoutePorts,
  operation: Operation,
  reference: Omit<RouteReference, 'answerHeaders' | 'errors'>,
) =>
  ({
    body: 'bytes',
    maxBodyBytes: ports.maxBodyBytes,
    reference: { ...reference, answerHeaders: mediaHeaders, errors: mediaErrors },
    handle: handleCall(ports, operation, ({ body }) => ports.read(operation, body as Buffer)),
  }) as const

/** The same of a route that takes a form of at most so many bytes. */
const formCall = (
  ports: MediaRoutePorts,
  operation: Operation,
  most: number,
  reference: Omit<RouteReference, 'answerHeaders' | 'errors' | 'description'>,
) =>
  ({
    body: 'form',
    maxBodyBytes: most,
    reference: {
      ...reference,
      description: `${formPassedOn} It may have ${mebibytes(most)}; more is refused before it is read.`,
      answerHeaders: mediaHeaders,
      errors: formErrors,
    },
    handle: handleCall(ports, operation, ({ body, headers }) =>
      readForm(operation, body as Buffer, headers['content-type'] as string, ports.media.maxAudioSeconds),
    ),
  }) as const

/** Declares the routes of images, audio and moderations under OpenAI's paths. */
export const mediaRoutes = (ports: MediaRoutePorts): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/images/generations',
    summary: 'Makes pictures of a text, whole or as partial images in an event stream.',
    access: 'caller',
    browser: true,
    ...jsonCall(ports, 'images', {
      operationId: 'createImage',
      tag: 'Images',
      description: passedOn,
      body: ImageRequestSchema,
      answer: ImagesSchema,
      events: ImageEventSchema,
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/images/edits',
    summary: 'Changes pictures as a text says.',
    access: 'caller',
    browser: true,
    ...formCall(ports, 'image_edits', ports.media.maxImageBytes, {
      operationId: 'createImageEdit',
      tag: 'Images',
      body: ImageEditSchema,
      answer: ImagesSchema,
      events: ImageEventSchema,
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/images/variations',
    summary: 'Makes variations of a picture.',
    access: 'caller',
    browser: true,
    ...formCall(ports, 'image_variations', ports.media.maxImageBytes, {
      operationId: 'createImageVariation',
      tag: 'Images',
      body: ImageVariationSchema,
      answer: ImagesSchema,
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/audio/speech',
    summary: 'Speaks a text, as bytes or events while they come.',
    access: 'caller',
    browser: true,
    ...jsonCall(ports, 'speech', {
      operationId: 'createSpeech',
      tag: 'Audio',
      description: `${passedOn} An answer that breaks off resets the connection: it never ends as if it were whole.`,
      body: SpeechRequestSchema,
      answer: SpeechSchema,
      contentType: 'audio/*',
      events: SpeechEventSchema,
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/audio/transcriptions',
    summary: 'Writes down what is said.',
    access: 'caller',
    browser: true,
    ...formCall(ports, 'transcriptions', ports.media.maxAudioBytes, {
      operationId: 'createTranscription',
      tag: 'Audio',
      body: TranscriptionRequestSchema,
      answer: TranscriptSchema,
      events: TranscriptEventSchema,
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/audio/translations',
    summary: 'Writes down in English what is said.',
    access: 'caller',
    browser: true,
    ...formCall(ports, 'translations', ports.media.maxAudioBytes, {
      operationId: 'createTranslation',
      tag: 'Audio',
      body: TranslationRequestSchema,
      answer: TranscriptSchema,
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/moderations',
    summary: 'Judges whether texts or pictures are harmful.',
    access: 'caller',
    browser: true,
    ...jsonCall(ports, 'moderations', {
      operationId: 'createModeration',
      tag: 'Moderations',
      description: passedOn,
      body: ModerationRequestSchema,
      answer: ModerationsSchema,
    }),
  }),
]
