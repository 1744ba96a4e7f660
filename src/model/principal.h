#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Who asks, and of what. Plain data. Pure.
namespace sallyport::model {

enum class PrincipalKind : std::uint8_t { human, agent, service, internal };
std::string_view name_of(PrincipalKind kind);

struct Principal {
  std::string name{};
  PrincipalKind kind = PrincipalKind::agent;
  std::string owner{};  // of an agent: the human who answers for it
  std::vector<std::string> groups{};
  std::vector<std::string> act{};  // on whose behalf, nearest first
};

/// How the principal showed who it is.
struct Authentication {
  std::string method{};  // "token"
  std::string token_id{};
  std::int64_t expires_wall_ns = 0;
};

/// The words of a Target that rules look at; how it is reached is net's and session's.
struct TargetName {
  std::string name{};
  std::vector<std::pair<std::string, std::string>> labels{};
};

}  // namespace sallyport::model
