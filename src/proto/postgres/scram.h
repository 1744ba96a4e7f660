#pragma once
#include <map>
#include <string>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"

/// The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; PostgreSQL manual 55.3.1). Pure; used
/// once, in this order; one thread. Errors hold neither user nor password.
///
///   NEW -first-> WAITING -answer-> ANSWERED -verify-> PROVED
///
/// PostgreSQL takes the user from the start-up message, so the user of SCRAM is sent empty. The password is used as its
/// octets: what SASLprep (RFC 4013) changes is not ASCII, and PostgreSQL itself falls back to the octets.
namespace sallyport::proto::postgres {

class ScramKeys;

class ScramClient {
 public:
  enum class Binding : std::uint8_t {
    none,         // the stream has no TLS, or no data to bind to                     gs2 "n,,"
    not_offered,  // we could bind, and the server did not offer it                   gs2 "y,,"
    end_point,    // bound to the server's certificate: mechanism SCRAM-SHA-256-PLUS  gs2 "p=tls-server-end-point,,"
  };

  /// `certificate_hash`: RFC 5929 tls-server-end-point, for Binding::end_point. `nonce`: random octets, at least 18.
  ScramClient(Binding binding, base::Bytes certificate_hash, base::View nonce);

  /// client-first-message.
  base::Bytes first() const;
  /// From server-first-message, client-final-message. `kept`: where keys are looked for and put; may be null.
  base::Result<base::Bytes> answer(base::View server_first, const base::Secret& password, ScramKeys* kept = nullptr);
  /// server-final-message: does the server know the password as well?
  base::Result<void> verify(base::View server_final) const;

  /// More rounds than this would let a target hold up the gateway.
  static constexpr unsigned kMaxIterations = 500000;

 private:
  base::Bytes gs2_, channel_binding_, bare_;
  base::Bytes nonce_;
  base::Bytes server_signature_;
};

/// The keys of passwords, kept from login to login: a server keeps a role's salt, and deriving them anew would cost
/// thousands of hashes each time. Wiped when it dies. One thread.
class ScramKeys {
 public:
  /// Forgets all when it would hold more than `most`.
  explicit ScramKeys(std::size_t most = 64) : most_(most) {}

  /// ClientKey and ServerKey of RFC 5802 section 3.
  struct Pair {
    base::Digest client{}, server{};
    Pair() = default;
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair();
  };
  /// Valid until the next call. nullptr: they could not be derived.
  const Pair* of(const base::Secret& password, base::View salt, unsigned rounds);
  std::size_t size() const { return pairs_.size(); }

 private:
  std::size_t most_;
  std::map<base::Digest, Pair> pairs_;  // by a hash of all that they depend on
};

}  // namespace sallyport::proto::postgres
