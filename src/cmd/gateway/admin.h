#pragma once
#include <atomic>
#include <memory>
#include <thread>

#include "api/admin_socket.h"
#include "api/gateway.h"
#include "api/routes.h"
#include "cmd/gateway/gatehouse.h"

namespace sallyport::cmd {

/// What the API asks of the running gateway, answered from the Gatehouse; and the local admin socket in front of it.
/// The Gatehouse outlives it. Thread-safe.
class Admin final : public api::Gateway {
 public:
  static base::Result<std::unique_ptr<Admin>> open(Gatehouse& house);
  ~Admin() override;
  /// Takes no more requests. Any number of times.
  void close();

  std::vector<api::LiveSession> live_sessions() const override;
  std::vector<api::TargetInfo> targets() const override;
  bool is_break_glass() const override { return house_.is_break_glass(); }
  bool end_session(const std::string& id, const std::string& by) override;
  base::Result<void> record(base::Bytes meta) override;
  base::Result<void> read(const Selection& selection, const Visitor& visitor) override;
  base::Result<void> export_bundle(const std::vector<std::string>& sessions, const std::string& path) override;
  base::Result<api::Head> head() const override;

 private:
  explicit Admin(Gatehouse& house) : house_(house) {}
  void complete_index();

  Gatehouse& house_;
  std::atomic<bool> is_closing_{false};
  std::unique_ptr<api::Routes> routes_;
  std::unique_ptr<api::AdminSocket> socket_;
  std::jthread indexing_;
};

}  // namespace sallyport::cmd
