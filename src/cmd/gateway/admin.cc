#include "cmd/gateway/admin.h"

#include <sys/stat.h>

#include <filesystem>

#include "audit/bundle.h"
#include "audit/reader.h"

namespace sallyport::cmd {

base::Result<std::unique_ptr<Admin>> Admin::open(Gatehouse& house) {
  std::unique_ptr<Admin> admin(new Admin(house));
  const std::string scratch = house.data() + "/scratch";
  std::error_code error;
  std::filesystem::remove_all(scratch, error);
  std::filesystem::create_directory(scratch, error);
  if (error)
    return base::fail(base::Code::unavailable, "cannot make the folder " + scratch + ": " + error.message(),
                      "the gateway must be able to write in its data folder");
  ::chmod(scratch.c_str(), 0700);
  admin->routes_ = std::make_unique<api::Routes>(*admin, house.tokens(), house.index(), house.desk(),
                                                 api::Routes::Options{.scratch_folder = scratch});
  // Behind: a large trail takes longer to read than anybody should wait for the gateway.
  if (!house.index().is_complete()) admin->indexing_ = std::jthread([self = admin.get()] { self->complete_index(); });
  auto socket = api::AdminSocket::open(house.data(), *admin->routes_, {});
  if (!socket) return std::unexpected(socket.error());
  admin->socket_ = std::move(*socket);
  return admin;
}

Admin::~Admin() { close(); }

void Admin::close() {
  socket_.reset();
  is_closing_ = true;
  if (indexing_.joinable()) indexing_.join();
}

void Admin::complete_index() {
  const auto done = api::rebuild_index(*this, house_.index());
  if (!done && !is_closing_)
    log_line("the search index is not complete: " + done.error().message + "; run 'sallyport reindex'");
}

std::vector<api::LiveSession> Admin::live_sessions() const {
  std::vector<api::LiveSession> out;
  for (auto& session : house_.directory().list()) {
    out.push_back({.id = std::move(session.id),
                   .principal = std::move(session.principal),
                   .target = std::move(session.target),
                   .database = std::move(session.database),
                   .client_address = std::move(session.client_address),
                   .token_id = std::move(session.token_id),
                   .opened_wall_ns = session.opened_wall_ns});
  }
  return out;
}

std::vector<api::TargetInfo> Admin::targets() const { return house_.describe_targets(); }

bool Admin::end_session(const std::string& id, const std::string& by) {
  return house_.directory().end(
      id, {.kind = model::Refusal::Kind::session_ended, .message = "the session was ended by " + by});
}

base::Result<void> Admin::record(base::Bytes meta) {
  try {
    house_.trail().append_admin(std::move(meta));
  } catch (const audit::Unavailable& error) {
    return base::fail(base::Code::unavailable, "the act could not be recorded, so it did not happen: " + error.reason);
  }
  return {};
}

base::Result<api::Head> Admin::head() const {
  const auto head = house_.trail().head();
  const std::string line = house_.trail().verification_line();
  return api::Head{.origin = line.substr(0, line.find('+')),
                   .size = head.size,
                   .root = base::to_hex(base::view(head.root)),
                   .checkpoint = house_.trail().checkpoint()};
}

namespace {

api::Event to_api(const audit::Reader::Record& record) {
  const audit::Event& event = record.event;
  api::Event out;
  out.log_index = record.index;
  out.session = base::to_hex(event.session);
  out.seq = event.seq;
  out.type = std::string(event.type);
  out.wall_ns = static_cast<std::int64_t>(event.wall_ns);
  out.protocol = event.protocol;
  out.direction = event.direction;
  if (event.place) {
    out.op = event.place->op;
    out.chunk = event.place->chunk;
    out.flags = event.place->flags;
  }
  if (event.decision) out.verdict = static_cast<std::uint64_t>(event.decision->verdict);
  out.meta = record.meta.value_or(base::View{});
  out.content = record.content.value_or(base::View{});
  return out;
}

base::Result<std::vector<base::Bytes>> session_ids(const std::vector<std::string>& hexadecimal) {
  std::vector<base::Bytes> out;
  for (const auto& id : hexadecimal) {
    auto octets = audit::from_hex(id);
    if (!octets || octets->size() != 16)
      return base::fail(base::Code::malformed, "'" + id + "' is not a session's id: it has 32 hexadecimal digits",
                        "'sallyport sessions list' shows them");
    out.push_back(std::move(*octets));
  }
  return out;
}

}  // namespace

base::Result<void> Admin::export_bundle(const std::vector<std::string>& sessions, const std::string& path) {
  auto ids = session_ids(sessions);
  if (!ids) return std::unexpected(ids.error());
  const auto bundled = audit::export_bundle(house_.data(), *ids, path);
  if (!bundled) return std::unexpected(bundled.error());
  return {};
}

base::Result<void> Admin::read(const Selection& selection, const Visitor& visitor) {
  auto reader = audit::Reader::open(house_.data());
  if (!reader) return std::unexpected(reader.error());
  audit::Reader::Selection wanted;
  wanted.from_index = selection.from_log_index;
  auto ids = session_ids({selection.sessions.begin(), selection.sessions.end()});
  if (!ids) return std::unexpected(ids.error());
  wanted.sessions.insert(ids->begin(), ids->end());
  return reader->each(wanted, [this, &visitor](const audit::Reader::Record& record) {
    return !is_closing_ && visitor(to_api(record)) ? audit::Reader::Go::on : audit::Reader::Go::stop;
  });
}

}  // namespace sallyport::cmd
