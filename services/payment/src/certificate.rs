//! Whether a text was signed by `PayPal`: with a certificate that leads to an authority we trust, is valid now, and is of `PayPal`'s.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, UnixTime, pem::PemObject as _,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring as algorithms};

/// The one algorithm that `PayPal` signs webhooks with, as its header names it.
pub const ALGORITHM: &str = "SHA256withRSA";

/// How certificates themselves may be signed.
static CHAIN_ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 7] = [
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
];

/// Why a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The file holds no certificate.
    #[error("there is no certificate in the answer")]
    Missing,
    /// It is not PEM.
    #[error("the certificate can't be read")]
    Malformed,
    /// It leads nowhere we trust, or is out of date.
    #[error("the certificate is not to be trusted")]
    Untrusted(#[source] webpki::Error),
    /// It is someone else's.
    #[error("the certificate is not of {0}")]
    SomeoneElses(&'static str),
    /// The signature is not of this text and this certificate.
    #[error("the signature does not match")]
    Mismatch,
}

/// Whose certificates sign webhooks: this domain, or one below it.
const OWNER: &str = "paypal.com";

/// Checks the signature of `text` with the first certificate in `pem`, which the others there lead from to one of `authorities`.
pub fn verify(
    pem: &[u8],
    authorities: &[CertificateDer<'_>],
    text: &[u8],
    signature: &[u8],
    now: Timestamp,
) -> Result<(), CertificateError> {
    let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .or(Err(CertificateError::Malformed))?;
    let (first, intermediates) = chain.split_first().ok_or(CertificateError::Missing)?;
    let certificate = EndEntityCert::try_from(first).map_err(CertificateError::Untrusted)?;
    // An authority of the system that this library can't read is as good as absent.
    let anchors: Vec<_> = authorities
        .iter()
        .filter_map(|authority| anchor_from_trusted_cert(authority).ok())
        .collect();
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    certificate
        .verify_for_usage(
            &CHAIN_ALGORITHMS,
            &anchors,
            intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map_err(CertificateError::Untrusted)?;
    if !certificate.valid_dns_names().any(is_owned) {
        return Err(CertificateError::SomeoneElses(OWNER));
    }
    certificate
        .verify_signature(algorithms::RSA_PKCS1_2048_8192_SHA256, text, signature)
        .or(Err(CertificateError::Mismatch))
}

fn is_owned(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.strip_suffix(OWNER)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paypals_own_names() {
        for (name, owned) in [
            ("messageverificationcerts.paypal.com", true),
            ("MessageVerificationCerts.sandbox.PayPal.com", true),
            ("paypal.com", true),
            ("notpaypal.com", false),
            ("paypal.com.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_owned(name), owned, "{name}");
        }
    }

    #[test]
    fn refuses_what_is_no_certificate() {
        let check = |pem: &[u8]| verify(pem, &[], b"text", b"", Timestamp::UNIX_EPOCH);
        assert_eq!(check(b""), Err(CertificateError::Missing));
        assert_eq!(
            check(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
            Err(CertificateError::Malformed)
        );
        assert!(matches!(
            check(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            Err(CertificateError::Untrusted(_))
        ));
    }
}
