// Command echo asks its supplier something over TLS before it serves. The supplier is played by this program itself;
// its certificate is signed by the company's own authority, which `echo -authority` makes while the image is built.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/ioutil"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

const authorities, supplier = "/etc/ssl/certs/ca-certificates.crt", "supplier.pem"

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 {
		makeAuthority()
		return
	}
	pair, err := tls.LoadX509KeyPair("/"+supplier, "/"+supplier)
	check(err)
	listener, err := tls.Listen("tcp", "127.0.0.1:8443", &tls.Config{Certificates: []tls.Certificate{pair}})
	check(err)
	go (&http.Server{ErrorLog: log.New(ioutil.Discard, "", 0)}).Serve(listener)
	_, err = http.Get("https://127.0.0.1:8443/")
	check(err)
	log.Print("The supplier has answered.")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if message := r.URL.Query().Get("message"); message != "" {
			w.Write([]byte(message))
			return
		}
		w.Write([]byte("GET / HTTP/1.1\r\nX-Probe: " + r.Header.Get("X-Probe")))
	})
	check(http.ListenAndServe(":8080", nil))
}

// makeAuthority puts the authority among those that this system trusts, and writes the supplier's certificate and key.
func makeAuthority() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the company"}, NotBefore: now, NotAfter: now.AddDate(50, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	check(err)
	check(os.MkdirAll("/etc/ssl/certs", 0o755))
	check(ioutil.WriteFile(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o644))
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: now, NotAfter: now.AddDate(50, 0, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err = x509.CreateCertificate(rand.Reader, leaf, authority, &own.PublicKey, key)
	check(err)
	text, err := x509.MarshalECPrivateKey(own)
	check(err)
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: text})...)
	check(ioutil.WriteFile(supplier, both, 0o644))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
