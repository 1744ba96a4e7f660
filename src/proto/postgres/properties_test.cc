#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "proto/codec_properties.h"
#include "proto/postgres/codec.h"
#include "proto/postgres/transcript.h"

/// The codec's promises on conversations with PostgreSQL 15, recorded by test/transcripts/postgres.py.
namespace sallyport::proto::postgres {
namespace {

std::vector<std::string> recorded() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SALLYPORT_SOURCE_DIR "/test/transcripts/postgres")) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Recorded : public testing::TestWithParam<std::string> {
 protected:
  properties::Conversation conversation() const {
    return properties::read_conversation(SALLYPORT_SOURCE_DIR "/test/transcripts/postgres/" + GetParam() + ".txt");
  }
};

std::unique_ptr<Codec> make() { return make_codec(); }
/// So small that many messages pass in parts; the names of a Bind must still fit.
std::unique_ptr<Codec> make_small() {
  CodecOptions options;
  options.limits.held = 160;
  return make_codec(options);
}

TEST_P(Recorded, KeepsThePromises) { properties::check(make, conversation(), Limits{}.statement_frame); }
TEST_P(Recorded, KeepsThePromisesWhenMessagesPassInParts) {
  // What is read whole in spite of its length: Query, Parse, errors, descriptions.
  properties::check(make_small, conversation(), 2048);
}
TEST_P(Recorded, EndsEveryOpOnce) {
  if (GetParam() == "fatal") return;  // ends in the middle, as its name says
  properties::check_ends(make, conversation());
}
TEST_P(Recorded, IsTotalOnDamage) {
  properties::check_damaged(make, conversation(), Limits{}.statement_frame, 1);
  properties::check_damaged(make_small, conversation(), Limits{}.statement_frame, 2);
}

INSTANTIATE_TEST_SUITE_P(Postgres, Recorded, testing::ValuesIn(recorded()), [](const auto& one) { return one.param; });

}  // namespace
}  // namespace sallyport::proto::postgres
