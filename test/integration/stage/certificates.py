"""A throwaway CA and a server certificate for localhost and 127.0.0.1."""
import pathlib
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certificates:
    """Files in `folder`: ca.crt, server.crt, server.key; other_ca.crt signed nothing here."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.certificate, self.key = folder / "ca.crt", folder / "server.crt", folder / "server.key"
        self.other_ca = folder / "other_ca.crt"
        ca_key = folder / "ca.key"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
        openssl("req", "-x509", *curve, "-keyout", ca_key, "-out", self.ca, "-days", 2, "-subj", "/CN=Throwaway CA",
                "-addext", "basicConstraints=critical,CA:TRUE")
        openssl("req", "-x509", *curve, "-keyout", folder / "other.key", "-out", self.other_ca, "-days", 2, "-subj",
                "/CN=Another CA")
        openssl("req", "-new", *curve, "-keyout", self.key, "-out", folder / "server.csr", "-subj", "/CN=localhost")
        extensions = folder / "extensions"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", folder / "server.csr", "-CA", self.ca, "-CAkey", ca_key, "-days", 2,
                "-extfile", extensions, "-out", self.certificate)
        self.key.chmod(0o600)
