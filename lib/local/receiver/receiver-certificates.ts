import { generate } from 'selfsigned';

const HOST = '127.0.0.1';
const DAY_MS = 86_400_000;
/** `selfsigned` names the kind of an alternative name that is an IP address like this. */
const IP_ADDRESS = 7;

/** A certificate with its private key, in PEM format. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** The certificates of a receiver. Both are for 127.0.0.1 and signed with their own key. */
export interface ReceiverCertificates {
  /** The one that the sender trusts. */
  readonly trusted: Certificate;
  /** The one that it presents with the fault `wrong_certificate`. */
  readonly wrong: Certificate;
}

/** Creates certificates that are valid for a day. */
export async function createCertificates(): Promise<ReceiverCertificates> {
  const [trusted, wrong] = await Promise.all([create(), create()]);
  return { trusted, wrong };
}

async function create(): Promise<Certificate> {
  const nowMs = Date.now();
  const { private: key, cert } = await generate([{ name: 'commonName', value: HOST }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(nowMs + DAY_MS),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: IP_ADDRESS, ip: HOST }] }],
  });
  return { key, cert };
}
