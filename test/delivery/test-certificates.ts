import { generate } from 'selfsigned';

const DAY_MS = 86_400_000;
const OPTIONS = { keyType: 'ec', algorithm: 'sha256' } as const;

/** A certificate with its private key, in PEM format. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate authority that no system trusts. */
export class TestAuthority {
  readonly ca: Certificate;

  private constructor(ca: Certificate) {
    this.ca = ca;
  }

  /** @param name - authorities with the same name cannot be told apart by their certificates */
  static async create(name = 'Test CA'): Promise<TestAuthority> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
      ...OPTIONS,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, critical: true },
      ],
    });
    return new TestAuthority({ key, cert });
  }

  /** Issues a certificate for a host name and 127.0.0.1, which was valid until a day ago if it is expired. */
  issue(host: string, { isExpired = false } = {}): Promise<Certificate> {
    return newCertificate(host, { ca: this.ca, isExpired });
  }
}

/** A certificate for a host name and 127.0.0.1, which is signed with its own key if no authority is given. */
export async function newCertificate(
  host: string,
  { ca, isExpired = false }: { ca?: Certificate; isExpired?: boolean } = {},
): Promise<Certificate> {
  const now = Date.now();
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    ...OPTIONS,
    ...(ca ? { ca } : {}),
    notBeforeDate: new Date(now - 2 * DAY_MS),
    notAfterDate: new Date(isExpired ? now - DAY_MS : now + DAY_MS),
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: host },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { key, cert };
}
