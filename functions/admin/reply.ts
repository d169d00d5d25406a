/** What an admin request comes to; app.ts makes the response, in the form of Prometheus' HTTP interface. */
export type AdminReply =
  | { readonly status: 200; readonly data: unknown }
  | { readonly status: 200; readonly text: string }
  | {
      readonly status: 400 | 404 | 405 | 409 | 422 | 502;
      readonly errorType: string;
      readonly error: string;
      /** Methods, with 405. */
      readonly allow?: string;
    };

export const success = (data: unknown): AdminReply => ({ status: 200, data });
export const badRequest = (error: string): AdminReply => ({ status: 400, errorType: 'bad_data', error });
export const notFound = (error: string): AdminReply => ({ status: 404, errorType: 'not_found', error });
export const notAllowed = (allow: string): AdminReply => ({
  status: 405,
  errorType: 'method_not_allowed',
  error: `expected one of the methods ${allow}`,
  allow,
});
