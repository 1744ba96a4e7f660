#pragma once
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "audit/recorder.h"
#include "model/principal.h"
#include "net/signal.h"
#include "policy/engine.h"
#include "session/client_writer.h"
#include "session/dial.h"
#include "session/directory.h"
#include "session/gate.h"
#include "session/indexed_statements.h"
#include "session/protocol.h"
#include "session/sight.h"
#include "session/target_writer.h"
#include "store/search_index.h"

namespace sallyport::session {

/// What sessions of one core stand on. Everything outlives every session.
struct Ground {
  audit::Trail* trail = nullptr;
  audit::Lane* lane = nullptr;
  net::asio::any_io_executor core{};
  Directory* directory = nullptr;
  approval::Desk* desk = nullptr;
  sql::UnderstandingCache* understandings = nullptr;
  policy::MaskPlans* mask_plans = nullptr;
  sql::Limits sql_limits{};
  std::function<std::shared_ptr<const policy::Engine>()> rules;
  /// What of the target's replies is masked, by the newest rules; null: nothing is.
  std::function<Sight(const Target&)> sight;
  /// Null when there is no target of that name.
  std::function<const Target*(const std::string& name)> target;
  std::function<CatalogueSource*(const Target&, const std::string& database)> catalogue;

  struct Identified {
    model::Principal principal;
    model::Authentication authentication;
  };
  std::function<std::expected<Identified, model::Refusal>(const base::Secret& token, const std::string& target)>
      identify;
  /// Now, by the clock that tokens are measured by, which never goes back.
  std::function<std::int64_t()> granting_ns;
  /// May one more session begin? The reason if not (disk nearly full, shutting down).
  std::function<std::optional<model::Refusal>()> refuses_sessions;
  /// May one more failed login be recorded? Keeps strangers from filling the trail.
  std::function<bool()> may_record_failure;
  store::SearchIndex* index = nullptr;        // written behind; null: no index
  std::function<void(std::string line)> log;  // operational log; never a secret
};

/// One client's conversation with one target, after both logins. Lives in the coroutine that runs it, on one core.
///
/// LIVE -client ends-> HALF (target is told, its replies drain) -target ends-> DRAINING -written-> OVER
/// LIVE, HALF -end(reason) | error-> DRAINING (last words) -> OVER
class Session {
 public:
  struct Parts {
    std::unique_ptr<net::Stream> client;
    base::Bytes rest_of_client;  // octets behind the login
    Dialled target;
    std::string client_address;
    model::Principal principal;
    model::Authentication authentication;
    const Target* to = nullptr;
    std::string database;
    proto::Settings settings{};  // that the client began with
  };
  Session(Parts parts, const Protocol& protocol, const Ground& ground, audit::Recorder& recorder);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The pair for the client's BackendKeyData; the session is in the Directory from here on.
  Directory::CancelKey enter();
  net::Stream& client() { return *client_; }

  /// Until both sides are done. Returns why it ended, for session_close. Catches what ends a session.
  net::Task<std::string> run();

  /// From the Directory, on this core: ends the session with last words.
  void end(const model::Refusal& reason);
  /// From the Directory, on this core: passes a cancel request on while the target owes an answer.
  void cancel(std::string from_address);

 private:
  net::Task<> read_client();
  net::Task<> pass(std::vector<model::Step>* all);
  void look();
  void index(const audit::Recorder::RecordedDecision& decision);
  net::Task<> read_target();
  void take_from_target(base::View octets, bool may_have_more);
  net::Task<> settle(std::vector<model::Step>* all, std::size_t next);
  net::Task<> write_client();
  net::Task<> pass_cancels();
  net::Task<> watch_time();
  net::Task<> guard(net::Task<> part);
  void stop();

  const Protocol& protocol_;
  const Ground& ground_;
  audit::Recorder& recorder_;
  std::unique_ptr<net::Stream> client_, target_;
  base::Bytes rest_of_client_, rest_of_target_;
  const Target& to_;
  std::uint32_t target_process_, target_key_;
  LiveSession what_;
  std::int64_t expires_ns_;  // by Ground::granting_ns; 0: never
  std::unique_ptr<proto::Codec> codec_;
  mask::Masker masker_;
  Gate gate_;
  std::shared_ptr<const policy::Engine> sight_of_;  // the rules that masker_ and codec_ were told of
  TargetWriter target_writer_;
  ClientWriter client_writer_;
  net::asio::steady_timer expiry_;
  IndexedStatements indexed_;
  net::Signal cancel_wanted_;
  std::vector<mask::Masked> unrecorded_;  // of an op that the target is still answering
  std::size_t unrecorded_octets_ = 0;
  std::vector<std::string> cancels_;  // addresses that cancel requests came from, not yet passed on
  std::string why_;                   // the first reason to end
  bool is_ending_ = false;            // last words are on their way; nothing more is forwarded
  bool is_over_ = false;
  bool has_said_goodbye_ = false;  // the client asked to end, or the target told it why it ends
};

/// A client from its first octet to its last: login, target's login, session, and the trail's record of each.
/// `admitted`: called once the client has shown who it is, so that it no longer counts as half-open.
/// What is pointed at outlives it.
net::Task<> serve(std::unique_ptr<net::Stream> stream, std::string client_address, const Protocol* protocol,
                  std::shared_ptr<const net::ServerTls> tls, const Ground* ground, std::function<void()> admitted);

}  // namespace sallyport::session
