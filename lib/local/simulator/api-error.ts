/** An error response of the platform. The messages and codes are the platform's own (`ErrorBody`). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  private readonly params: Readonly<Record<string, string>>;
  private readonly limit: Readonly<Record<string, unknown>> | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    more: {
      readonly params?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly limit?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.params = more.params ?? {};
    this.limit = more.limit;
  }

  /**
   * The body of the error response.
   *
   * @param contextId correlation id of the response
   */
  body(contextId: string): object {
    return {
      message: this.message,
      code: this.code,
      status: this.status,
      contextId,
      messageParams: this.params,
      details: [],
      errors: [],
      ...(this.limit === undefined ? {} : { limit: this.limit }),
    };
  }
}

export function authenticationRequired(): ApiError {
  return new ApiError(
    401,
    'authentication.required',
    'No authentication bearer token specified in authorization header.',
  );
}

export function badCredentials(): ApiError {
  return new ApiError(401, 'bad.credentials', 'Invalid login credentials.');
}

export function credentialsExpired(): ApiError {
  return new ApiError(401, 'credentials.expired', 'The supplied credentials have expired.');
}

export function missingPermissions(permissions: readonly string[]): ApiError {
  const list = permissions.join(', ');
  return new ApiError(
    403,
    'missing.permissions',
    `Unable to perform the requested action. You are missing the following permission(s): ${list}`,
    { params: { permissions: list } },
  );
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'bad.request', message);
}

export function notFound(what: string): ApiError {
  return new ApiError(404, 'not.found', `${what} was not found.`);
}

export function tooManyRequests(retryAfterSeconds: number, allowed: number): ApiError {
  return new ApiError(
    429,
    'too.many.requests.retry.after',
    `Rate limit exceeded the maximum. Retry the request in [${retryAfterSeconds}] seconds`,
    {
      params: { retryAfter: String(retryAfterSeconds) },
      headers: { 'Retry-After': String(retryAfterSeconds) },
      limit: { key: 'token.rate.per.minute', namespace: 'platform.api', value: allowed },
    },
  );
}

export function serviceUnavailable(): ApiError {
  return new ApiError(
    503,
    'service.unavailable',
    'The service is currently unavailable. Please try again later.',
  );
}
