//! The certificates with which the members of a set and the operator know each other. Each set has an authority of its own, which signs nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// For how many years they hold.
const YEARS: i64 = 10;
/// The files of an identity, called as `kubernetes.io/tls` has them.
pub const AUTHORITY: &str = "ca.crt";
/// Its certificate.
pub const CERTIFICATE: &str = "tls.crt";
/// Its key.
pub const KEY: &str = "tls.key";

/// A certificate and its key, in PEM, and who signed it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Whoever shows a certificate that this one signed is trusted.
    pub authority: String,
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// Why a certificate can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It can't be made.
    #[error("a certificate can't be made")]
    Made(#[from] rcgen::Error),
    /// It is not PEM.
    #[error("a certificate or key is not PEM")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The library does not take it.
    #[error("a certificate can't be used")]
    Used(#[from] rustls::Error),
    /// It does not say whom it trusts.
    #[error("an authority can't be used")]
    Authority(#[from] rustls::server::VerifierBuilderError),
    /// A file of it can't be read.
    #[error("{} can't be read", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The listener has no address.
    #[error("the listener has no address")]
    Address(#[source] std::io::Error),
}

/// A new authority, and what it signs: one certificate for all members, whose servers are called `names`, and one for the operator. The authority's
/// own key is gone afterwards, so nothing is ever added.
pub fn make(names: &[String], now: Timestamp) -> Result<(Identity, Identity), CertificateError> {
    let mut params = with_validity(CertificateParams::new(Vec::new())?, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params
        .distinguished_name
        .push(DnType::CommonName, "Amazoff: members of a set");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);
    let signed = |name: &str, names: &[String]| -> Result<Identity, CertificateError> {
        let mut params = with_validity(CertificateParams::new(names)?, now);
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate()?;
        Ok(Identity {
            authority: authority.clone(),
            certificate: params.signed_by(&key, &issuer)?.pem(),
            key: key.serialize_pem(),
        })
    };
    Ok((signed("member", names)?, signed("operator", &[])?))
}

/// From the day before, since clocks differ.
fn with_validity(mut params: CertificateParams, now: Timestamp) -> CertificateParams {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |span: Span| {
        let date = today.saturating_add(span);
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(i32::from(date.year()), month, day)
    };
    params.not_before = day(Span::new().days(-1));
    params.not_after = day(Span::new().years(YEARS));
    params
}

impl Identity {
    /// As it lies in a folder: `ca.crt`, `tls.crt`, `tls.key`.
    pub fn read(folder: &Path) -> Result<Self, CertificateError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).map_err(|error| CertificateError::File(path, error))
        };
        Ok(Self {
            authority: read(AUTHORITY)?,
            certificate: read(CERTIFICATE)?,
            key: read(KEY)?,
        })
    }

    /// For whoever listens: only those are let in whom the authority signed.
    pub fn server(&self) -> Result<ServerConfig, CertificateError> {
        let (roots, chain, key) = self.parse()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)?;
        Ok(config)
    }

    /// For whoever connects.
    pub fn client(&self) -> Result<ClientConfig, CertificateError> {
        let (roots, chain, key) = self.parse()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(config)
    }

    fn parse(&self) -> Result<Parsed, CertificateError> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.authority.as_bytes()) {
            roots.add(root?)?;
        }
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        let chain = chain.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())?;
        Ok((roots, chain, key))
    }
}

type Parsed = (
    RootCertStore,
    Vec<CertificateDer<'static>>,
    PrivateKeyDer<'static>,
);
