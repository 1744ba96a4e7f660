#include "cmd/gateway/protocols.h"

#include "base/digest.h"
#include "proto/postgres/codec.h"
#include "proto/postgres/login.h"
#include "proto/postgres/own.h"
#include "proto/postgres/scram.h"
#include "sql/catalogue_queries.h"

namespace sallyport::cmd {
namespace postgres = proto::postgres;
namespace {

postgres::TargetTls tls_of(net::TargetTls tls) {
  switch (tls) {
    case net::TargetTls::disable:
      return postgres::TargetTls::disable;
    case net::TargetTls::require:
      return postgres::TargetTls::require;
    case net::TargetTls::verify_ca:
      return postgres::TargetTls::verify_ca;
    case net::TargetTls::verify_full:
      return postgres::TargetTls::verify_full;
  }
  return postgres::TargetTls::verify_full;
}

}  // namespace

session::Protocol postgres_protocol(bool is_tls_required) {
  session::Protocol out;
  out.trail_number = 1;
  out.is_tls_required = is_tls_required;
  out.client_login = [is_tls_required] {
    return postgres::make_client_login(
        {.tls = is_tls_required ? postgres::ClientTls::required : postgres::ClientTls::none});
  };
  out.target_login = [](const session::Target& target, const std::string& database, const proto::Settings& settings) {
    thread_local postgres::ScramKeys keys;  // a core's: each core is a thread
    return postgres::make_target_login({.user = target.user,
                                        .database = database,
                                        .password = target.password.copy(),
                                        .settings = settings,
                                        .tls = tls_of(target.tls_mode),
                                        .allowed = {.md5 = target.allows_md5, .cleartext = target.allows_clear_text},
                                        .nonce = base::random_bytes(18),
                                        .keys = &keys});
  };
  out.codec = [] { return postgres::make_codec(); };
  out.cancel_request = postgres::encode_cancel_request;
  out.cancel_tls_request = postgres::encode_ssl_request();
  out.query = [](const std::string& text) { return postgres::encode_query(text); };
  out.rows = [](base::View wire) -> base::Result<session::Protocol::Rows> { return postgres::decode_text_rows(wire); };
  return out;
}

session::CatalogueReading postgres_catalogue() {
  session::CatalogueReading out;
  out.queries = [] {
    const auto texts = sql::catalogue_queries();
    return std::vector<std::string>(texts.begin(), texts.end());
  };
  out.build = [](std::uint64_t version, const std::vector<session::Protocol::Rows>& answers) {
    return sql::build_catalogue(answers, version);
  };
  return out;
}

}  // namespace sallyport::cmd
