//! A proxy on this computer that passes requests on, except where a test says what goes wrong.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// What becomes of one request.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Nothing: it is passed on, and its answer back.
    None,
    /// The connection is closed; nothing was passed on.
    CutBefore,
    /// It is passed on, and the connection closed in place of the answer.
    CutAfter,
    /// It is passed on, and the answer held back that long.
    Late(Duration),
    /// These bytes in place of the answer; nothing was passed on.
    Instead(Vec<u8>),
    /// It is passed on, and these bytes come in place of the answer.
    Garbled(Vec<u8>),
    /// The first bytes, then the second ones again and again with that pause, until the client closes the
    /// connection.
    Endless(&'static str, &'static str, Duration),
}

/// A running proxy.
pub struct Proxy {
    /// Its address.
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
    server: AbortHandle,
}

impl Proxy {
    /// Starts one in front of `upstream`, `http://127.0.0.1:…`. `trouble` decides what becomes of each request, by its
    /// number, from 0, and its head.
    ///
    /// # Panics
    ///
    /// If no port can be opened.
    pub async fn before(
        upstream: &str,
        trouble: impl Fn(usize, &str) -> Trouble + Send + Sync + 'static,
    ) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (trouble, heads) = (Arc::new(trouble), Arc::clone(&seen));
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, trouble, heads) =
                    (upstream.clone(), Arc::clone(&trouble), Arc::clone(&heads));
                tokio::spawn(async move {
                    // Whoever hangs up early ends only their own connection.
                    let _ = serve(client, &upstream, &heads, &*trouble).await;
                });
            }
        });
        Self {
            url,
            seen,
            server: server.abort_handle(),
        }
    }

    /// The heads of the requests that reached it.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    mut client: TcpStream,
    upstream: &str,
    heads: &Mutex<Vec<String>>,
    trouble: &(impl Fn(usize, &str) -> Trouble + Send + Sync),
) -> std::io::Result<()> {
    let (head, body) = read_request(&mut client).await?;
    let number = {
        let mut heads = heads.lock().unwrap();
        heads.push(head.clone());
        heads.len() - 1
    };
    let pass_on = async || -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(upstream).await?;
        // One request a connection, so that the end of the answer is the end of the connection.
        let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
        server.write_all(head.as_bytes()).await?;
        server.write_all(&body).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        Ok(answer)
    };
    match trouble(number, &head) {
        Trouble::None => client.write_all(&pass_on().await?).await,
        Trouble::CutBefore => Ok(()),
        Trouble::CutAfter => pass_on().await.map(drop),
        Trouble::Late(pause) => {
            let answer = pass_on().await?;
            tokio::time::sleep(pause).await;
            client.write_all(&answer).await
        }
        Trouble::Instead(bytes) => client.write_all(&bytes).await,
        Trouble::Garbled(bytes) => {
            pass_on().await?;
            client.write_all(&bytes).await
        }
        Trouble::Endless(head, piece, pause) => endless(&mut client, head, piece, pause).await,
    }
}

/// Writes until the other side closes the connection.
async fn endless(
    to: &mut (impl AsyncWrite + Unpin),
    head: &str,
    piece: &str,
    pause: Duration,
) -> std::io::Result<()> {
    to.write_all(head.as_bytes()).await?;
    loop {
        to.write_all(piece.as_bytes()).await?;
        to.flush().await?;
        tokio::time::sleep(pause).await;
    }
}

/// Reads a request: its head, and its body by the length in the head.
///
/// # Errors
///
/// If the connection ends before the request does.
pub async fn read_request(
    from: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if from.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.trim().parse().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        if from.read_buf(&mut body).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((head, body))
}

/// An HTTP answer as it goes over the wire.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
