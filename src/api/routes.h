#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/gateway.h"
#include "api/http.h"
#include "approval/desk.h"
#include "identity/tokens.h"
#include "store/search_index.h"

/// What `/api/v1` does; api/openapi.yaml says it to the outside. Every change, and every reading of a recording, is an
/// `admin` event in the trail before it takes effect or is shown: when that event cannot be recorded, nothing happens.
namespace sallyport::api {

/// Thread-safe. REQUIRES: what it is given outlives it.
class Routes {
 public:
  struct Options {
    std::string scratch_folder{};    // where a bundle is made before it is sent; exists, 0700
    std::size_t most_rows = 10'000;  // of a list or a search
  };
  Routes(Gateway& gateway, identity::Tokens& tokens, store::SearchIndex& index, approval::Desk& desk, Options options)
      : gateway_(gateway), tokens_(tokens), index_(index), desk_(desk), options_(std::move(options)) {}

  Response handle(const Request& request, const Caller& caller);

 private:
  using Details = std::vector<std::pair<std::string, std::string>>;
  base::Result<void> record(const Caller& caller, std::string_view act, const Details& details);
  Response route(const Request& request, const Caller& caller, const std::vector<std::string>& path);
  Response list_tokens() const;
  Response issue_token(const Request& request, const Caller& caller);
  Response revoke_token(const Request& request, const Caller& caller, const std::string& id);
  Response list_targets() const;
  Response list_sessions(const Request& request);
  Response session_events(const Request& request, const Caller& caller, const std::string& id);
  Response show_session(const std::string& id);
  Response end_session(const Caller& caller, const std::string& id);
  Response list_approvals(const Request& request) const;
  Response show_approval(const std::string& id) const;
  base::Result<std::optional<model::Principal>> speaker(const std::string& name, bool is_yes) const;
  Response decide_approval(const Request& request, const Caller& caller, const std::string& id);
  Response search(const Request& request, const Caller& caller);
  base::Result<void> wait_for_checkpoint() const;
  Response export_bundle(const Request& request, const Caller& caller);
  Response reindex(const Caller& caller);
  Response head() const;
  Response health() const;

  Gateway& gateway_;
  identity::Tokens& tokens_;
  store::SearchIndex& index_;
  approval::Desk& desk_;
  Options options_;
};

/// Builds the search index anew from the trail; also what the gateway does by itself when the index is not complete.
base::Result<void> rebuild_index(Gateway& gateway, store::SearchIndex& index);

}  // namespace sallyport::api
