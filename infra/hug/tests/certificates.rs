//! `SSL_CERT_FILE`: root certificates for a proxy that opens TLS connections, or for a server with a private
//! certificate authority.

use std::{fs, sync::Arc};

use tests::{
    proxy::{answer, read_request},
    settings,
};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::command_line::CommandLine;

/// Starts a TLS server that answers each request as X answers for Amber. Returns its port and its root certificate in
/// PEM.
async fn over_tls() -> (u16, String) {
    let root_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = parameters.self_signed(&root_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(parameters, root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // A client that does not trust the certificate ends only its own connection.
            let Ok(mut client) = acceptor.accept(client).await else {
                continue;
            };
            let body = r#"{"data":{"id":"44196397","name":"Amber","username":"amber","public_metrics":{"followers_count":598}}}"#;
            let answer = answer("200 OK", "content-type: application/json\r\n", body);
            if read_request(&mut client).await.is_ok() {
                let _ = client.write_all(&answer).await;
            }
        }
    });
    (port, root)
}

#[tokio::test]
async fn a_root_in_ssl_cert_file_is_trusted_and_a_file_that_cannot_be_read_is_an_error_at_start() {
    let cli = CommandLine::with_followers(598).await;
    let (port, root) = over_tls().await;
    cli.write(&settings(
        "x",
        "amber",
        &format!("https://localhost:{port}"),
        "",
    ));
    let file = |name: &str| cli.folder.path().join(name);
    let comment = "# A bundle may have words between its certificates.\n";
    fs::write(file("roots.pem"), format!("{comment}{root}")).unwrap();
    fs::write(file("empty.pem"), comment).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
    fs::write(file("broken.pem"), broken).unwrap();
    let check_with = async |name: &str| {
        let mut command = cli.command(&["check"]);
        command.env("SSL_CERT_FILE", name);
        cli.run_command(command).await
    };
    let unknown = cli.run(&["check"]).await.refusal();
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    for (name, why) in [
        ("missing.pem", "No such file"),
        ("empty.pem", "there is no certificate in it"),
        ("broken.pem", "failed: "),
    ] {
        let output = check_with(name).await.refusal();
        let what = format!("reading the certificates in {name}, which SSL_CERT_FILE names, failed");
        assert!(output.contains(&what) && output.contains(why), "{output}");
    }
    let output = check_with("roots.pem").await.success();
    assert!(output.contains("598 followers"), "{output}");
    check_with("").await.refusal();
}
