#include "cmd/gateway/targets.h"

#include <algorithm>

#include "cmd/gateway/sights.h"

namespace sallyport::cmd {
namespace {

audit::Durability durability_of(config::Durability durability) {
  switch (durability) {
    case config::Durability::strict:
      return audit::Durability::strict;
    case config::Durability::request:
      return audit::Durability::request;
    case config::Durability::batch:
      return audit::Durability::batch;
  }
  return audit::Durability::strict;
}

net::TargetTls tls_of(config::TargetTls tls) {
  switch (tls) {
    case config::TargetTls::disable:
      return net::TargetTls::disable;
    case config::TargetTls::require:
      return net::TargetTls::require;
    case config::TargetTls::verify_ca:
      return net::TargetTls::verify_ca;
    case config::TargetTls::verify_full:
      return net::TargetTls::verify_full;
  }
  return net::TargetTls::verify_full;
}

}  // namespace

base::Result<TargetSet> make_targets(std::vector<config::Target>& targets, config::Durability standard) {
  TargetSet out;
  for (auto& from : targets) {
    const auto may = [&from](config::TargetAuth way) {
      return std::find(from.auth.begin(), from.auth.end(), way) != from.auth.end();
    };
    session::Target to{.name = {.name = from.name, .labels = from.labels},
                       .address = {.host = from.address.host, .port = from.address.port},
                       .database = from.database.empty() ? from.name : from.database,
                       .user = from.user,
                       .password = std::move(from.password),
                       .tls_mode = tls_of(from.tls),
                       .tls = nullptr,
                       .allows_md5 = may(config::TargetAuth::md5),
                       .allows_clear_text = may(config::TargetAuth::cleartext),
                       .durability = durability_of(from.durability.value_or(standard))};
    to.credential = detectors_of(to.password);
    if (to.tls_mode != net::TargetTls::disable) {
      auto tls = net::ClientTls::load(to.tls_mode, from.ca, from.address.host);
      if (!tls)
        return base::fail(tls.error().code, "target \"" + from.name + "\": " + tls.error().message, tls.error().hint);
      to.tls = std::move(*tls);
    }
    out.emplace(from.name, std::move(to));
  }
  return out;
}

}  // namespace sallyport::cmd
