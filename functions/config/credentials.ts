import { type Decoder, expected, fail, nonEmptyString, object, refine, required, withDefault } from '../../contract/yaml/decode.ts';
import type { ReceiverAuthorization, SecretName } from './types.ts';

/** `{ env: NAME }`: a value that is kept as a secret of the Worker. */
export const secretName: Decoder<SecretName> = object({
  env: required(refine(nonEmptyString, (name, place) => (/^[A-Za-z_]\w*$/.test(name) ? name : expected(place, 'the name of a secret')))),
});

/** A secret that somebody wrote out is not repeated in the message. */
const secretOnly: Decoder<SecretName> = (place) =>
  place.node.kind === 'map'
    ? secretName(place)
    : fail(place, 'expected { env: NAME }, since secrets do not stand in this file (wrangler secret put NAME)');

const NO_FILES = 'not supported: a Worker has no files; use { env: NAME }';

/** Prometheus' `basic_auth`. A user's name with a colon would shift the border to the password (RFC 7617, section 2). */
export const basicAuth: Decoder<ReceiverAuthorization> = refine(
  object(
    {
      username: required<string | SecretName>((place) => (place.node.kind === 'map' ? secretName(place) : userName(place))),
      password: required(secretOnly),
    },
    { username_file: NO_FILES, password_file: NO_FILES },
  ),
  ({ username, password }) => ({ kind: 'basic', username, password }),
);
const userName: Decoder<string> = refine(nonEmptyString, (name, place) =>
  /^[^:\p{Cc}]+$/u.test(name) ? name : expected(place, 'a name without colons and control characters'),
);

/** Prometheus' `authorization`. */
export const authorization: Decoder<ReceiverAuthorization> = refine(
  object(
    {
      type: withDefault(
        refine(nonEmptyString, (type, place) => {
          if (type.toLowerCase() === 'basic') return fail(place, 'expected another type than Basic; use basic_auth');
          return /^[\w!#$%&'*+.^`|~-]+$/.test(type) ? type : expected(place, 'a word such as Bearer');
        }),
        'Bearer',
      ),
      credentials: required(secretOnly),
    },
    { credentials_file: NO_FILES },
  ),
  ({ type, credentials }) => ({ kind: 'token', type, credentials }),
);
