#include "mask/detectors.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <fstream>
#include <map>

#include "mask/detector_lines_testing.h"
#include "mask/detector_runs.h"
#include "mask/detectors_testing.h"

namespace sallyport::mask {
namespace {

using testing::builtin_rules;
using testing::Line;
using testing::LineMaker;

std::shared_ptr<const Detectors> compiled(std::vector<DetectorRule> rules, base::View cache = {}) {
  auto detectors = Detectors::compile(std::move(rules), cache);
  if (!detectors) ADD_FAILURE() << detectors.error().message;
  return detectors ? *detectors : nullptr;
}
const std::shared_ptr<const Detectors>& all() {
  static const auto detectors = compiled(builtin_rules());
  return detectors;
}
std::string name_of(const Hit& hit) { return all()->rules()[hit.rule].name; }

std::vector<Hit> scanned(Scanner& scanner, base::View text) {
  // In a block of its own size, so that the sanitizer sees what reads over the end.
  const std::vector<char> exact(text.begin(), text.end());
  std::vector<Hit> hits;
  scanner.scan({exact.data(), exact.size()}, hits);
  return hits;
}

/// `cuts`: where the parts end.
std::vector<Hit> streamed(Scanner& scanner, base::View text, const std::vector<std::size_t>& cuts) {
  Stream stream(scanner);
  std::vector<Hit> hits;
  std::size_t at = 0, safe = 0;
  const auto look = [&](std::size_t told) {
    EXPECT_GE(stream.safe_until(), safe);
    safe = stream.safe_until();
    EXPECT_LE(safe, at);
    for (std::size_t i = told; i < hits.size(); ++i) EXPECT_LE(hits[i].end, safe);
  };
  for (std::size_t cut : cuts) {
    const std::size_t told = hits.size();
    const std::size_t safe_before = safe;
    stream.feed(text.substr(at, cut - at), hits);
    at = cut;
    for (std::size_t i = told; i < hits.size(); ++i) EXPECT_GE(hits[i].begin, safe_before);
    look(told);
  }
  const std::size_t told = hits.size();
  stream.feed(text.substr(at), hits);
  at = text.size();
  for (std::size_t i = told; i < hits.size(); ++i) EXPECT_GE(hits[i].begin, safe);
  look(told);
  const std::size_t before_end = hits.size();
  stream.finish(hits);
  for (std::size_t i = before_end; i < hits.size(); ++i) EXPECT_GE(hits[i].begin, safe);
  EXPECT_EQ(stream.safe_until(), text.size());
  return hits;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

std::vector<Line> lines_of_file() {
  std::ifstream in(SALLYPORT_SOURCE_DIR "/test/detectors/lines.txt");
  std::vector<Line> lines;
  for (std::string text; std::getline(in, text);) {
    const auto tab = text.find('\t');
    Line line{{}, text.substr(0, tab)};
    text.erase(0, tab + 1);
    if (line.rule == "-") {
      line.rule.clear();
      line.text = unescaped(text);
    } else {
      const auto open = text.find("«"), close = text.find("»");
      line.text = unescaped(text.substr(0, open));
      line.begin = line.text.size();
      line.text += unescaped(text.substr(open + 2, close - open - 2));
      line.end = line.text.size();
      line.text += unescaped(text.substr(close + 2));
    }
    lines.push_back(line);
  }
  return lines;
}

TEST(Detectors, LinesOfTheFile) {
  Scanner scanner(all());
  const auto lines = lines_of_file();
  EXPECT_GE(lines.size(), 200U);
  for (const Line& line : lines) {
    SCOPED_TRACE(line.text);
    const auto hits = scanned(scanner, line.text);
    if (line.rule.empty()) {
      for (const Hit& hit : hits)
        ADD_FAILURE() << name_of(hit) << ": " << line.text.substr(hit.begin, hit.end - hit.begin);
      continue;
    }
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_EQ(name_of(hits[0]), line.rule);
    EXPECT_EQ(line.text.substr(hits[0].begin, hits[0].end - hits[0].begin),
              line.text.substr(line.begin, line.end - line.begin));
    EXPECT_TRUE(scanner.may_hit(line.text));
  }
}

TEST(Detectors, EveryCutOfEveryPositiveLineFindsTheSame) {
  Scanner scanner(all());
  LineMaker maker(3);
  auto lines = lines_of_file();
  for (int i = 0; i < 105; ++i) lines.push_back(maker.positive());
  for (const Line& line : lines) {
    SCOPED_TRACE(line.text);
    const auto whole = scanned(scanner, line.text);
    std::vector<std::size_t> every;
    for (std::size_t cut = 0; cut <= line.text.size(); ++cut) {
      ASSERT_EQ(streamed(scanner, line.text, {cut}), whole) << cut;
      every.push_back(cut);
    }
    EXPECT_EQ(streamed(scanner, line.text, every), whole);
  }
}

TEST(Detectors, LongValuesInParts) {
  Scanner scanner(all());
  LineMaker maker(4);
  std::mt19937_64 random(4);
  std::string text;
  while (text.size() < 300000) text += (random() % 3 == 0 ? maker.positive() : maker.negative()).text + "\n";
  // A key without a footer, longer than one may be; it is followed by more.
  text +=
      "-----BEGIN "
      "PRIVATE KEY-----\n" +
      std::string(40000, 'A') + "\nana@example.com";
  const auto whole = scanned(scanner, text);
  EXPECT_GT(whole.size(), 1000U);
  for (const std::size_t most : {100U, 1460U, 16384U, 100000U}) {
    std::vector<std::size_t> cuts;
    for (std::size_t at = random() % most; at < text.size(); at += 1 + random() % most) cuts.push_back(at);
    EXPECT_EQ(streamed(scanner, text, cuts), whole) << most;
  }
}

TEST(Detectors, SafeUntilFollowsBehindWhatCarriesNothing) {
  Scanner scanner(all());
  Stream stream(scanner);
  std::vector<Hit> hits;
  const std::string text(10000, ' ');
  stream.feed(text, hits);
  EXPECT_GT(stream.safe_until(), text.size() - 1000);
}

TEST(Detectors, MadeLinesPrecisionAndRecall) {
  Scanner scanner(all());
  LineMaker maker(5);
  std::map<std::string, testing::Score> scores;
  std::vector<Hit> hits;
  constexpr std::size_t kPositives = 2520, kNegatives = 21000;
  for (std::size_t i = 0; i < kPositives + kNegatives; ++i) {
    const Line line = i < kPositives ? maker.positive() : maker.negative();
    scanner.scan(line.text, hits);
    EXPECT_TRUE(hits.empty() || scanner.may_hit(line.text));
    bool is_found = false;
    for (const Hit& hit : hits) {
      const bool is_right = name_of(hit) == line.rule && hit.begin == line.begin && hit.end == line.end;
      is_found |= is_right;
      if (!is_right) ++scores[name_of(hit)].false_hits;
    }
    if (!line.rule.empty()) ++(is_found ? scores[line.rule].found : scores[line.rule].missed);
  }
  EXPECT_EQ(scores.size(), maker.rules().size());
  for (const auto& [name, score] : scores) {
    EXPECT_GE(score.recall(), 0.99) << name;
    // Every tenth number that looks like a card's is one by Luhn: chance, not fault.
    EXPECT_GE(score.precision(), name == "credit-card" ? 0.8 : 0.99) << name;
  }
}

// libhs has engines that overlook matches by where they stand (Hyperscan 5.4.9 with AVX-512): every kind of secret, at
// many distances from both ends.
TEST(Detectors, FindsAtAnyDistanceFromTheEnds) {
  Scanner scanner(all());
  LineMaker maker(6);
  const std::string_view fillers[] = {"lorem ipsum dolor sit amet ", " ", "x, "};
  for (std::size_t i = 0; i < 6000; ++i) {
    const Line line = maker.positive();
    const std::size_t before = i * 37 % 300, behind = i * 101 % 700;
    const std::string_view filler = fillers[i / 21 % 3];
    std::string text;
    for (std::size_t k = 0; k < before; ++k) text += filler[k % filler.size()];
    text += "\n" + line.text + "\n";
    for (std::size_t k = 0; k < behind; ++k) text += filler[k % filler.size()];
    const std::size_t begin = before + 1 + line.begin, end = before + 1 + line.end;
    const auto hits = scanned(scanner, text);
    EXPECT_TRUE(
        std::any_of(hits.begin(), hits.end(), [&](const Hit& hit) { return hit.begin <= begin && hit.end >= end; }))
        << line.rule << " behind " << before << ", before " << behind << ": " << line.text;
  }
}

// Which of both depends on the library and the processor; to find less is not among the choices.
TEST(Detectors, ARuleIsRefusedOrFindsItsExampleAnywhere) {
  const std::vector<std::pair<std::string, std::string>> rules = {
      {"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", "AKIAIOSFODNN7EXAMPLE"},
      {"#[0-9a-z]", "#a"},
      {"EMP[0-9]{6}", "EMP123456"},
      {"[A-Z]{3}-[0-9]{4}", "ABC-1234"},
      {"~[^ ]", "~x"},
      {"(?i)employee", "eMployee"}};
  for (const auto& [pattern, example] : rules) {
    SCOPED_TRACE(pattern);
    const auto detectors = Detectors::compile({{"r", {pattern}, "", {example}, {}}});
    if (!detectors) {
      EXPECT_EQ(detectors.error().code, base::Code::unsupported) << detectors.error().message;
      continue;
    }
    Scanner scanner(*detectors);
    for (const std::size_t behind : {0, 1, 30, 400})
      for (std::size_t before = 0; before < 200; ++before) {
        const std::string text = std::string(before, ' ') + example + std::string(behind, '\n');
        ASSERT_EQ(scanned(scanner, text), (std::vector<Hit>{{before, before + example.size(), 0}}))
            << before << " " << behind;
        ASSERT_TRUE(scanner.may_hit(text));
      }
  }
}

TEST(Detectors, WhatIsFoundInAPartMayBeHitInTheWhole) {
  Scanner scanner(all());
  LineMaker maker(7);
  for (int i = 0; i < 210; ++i) {
    const Line line = maker.positive();
    const std::string framed = "x7" + line.text + "9y";
    EXPECT_TRUE(scanner.may_hit(framed)) << line.text;
  }
  EXPECT_FALSE(scanner.may_hit("nothing of interest here, 2026-01-31 12:00"));
  EXPECT_FALSE(scanner.may_hit(""));
}

TEST(Detectors, RunPatternsFindWhatTheirTextSays) {
  std::mt19937_64 random(8);
  for (const DetectorRule& rule : builtin_rules()) {
    for (const std::string& text : rule.patterns) {
      const RunPattern* run = run_pattern(text);
      if (run == nullptr) continue;
      re2::RE2::Options options;
      options.set_encoding(re2::RE2::Options::EncodingLatin1);
      const re2::RE2 behind("(?:" + text + ")\\z", options);
      ASSERT_TRUE(behind.ok());
      for (int round = 0; round < 3000; ++round) {
        static constexpr std::string_view kAlphabets[] = {"0123456789 -", "AB01- ",     "AB01",
                                                          "09aZ@+.-",     "+19 ()./-x", "1@\xc3 A"};
        const auto alphabet = kAlphabets[random() % std::size(kAlphabets)];
        std::string octets(random() % 80, 'x');
        for (char& c : octets)
          if (random() % 12 != 0) c = alphabet[random() % alphabet.size()];
        std::vector<std::size_t> expected, ends, first;
        for (std::size_t end = 1; end <= octets.size(); ++end)
          if (re2::RE2::PartialMatch(re2::StringPiece(octets.data(), end), behind)) expected.push_back(end);
        run->find(octets, 0, RunPattern::Stop::never, ends);
        ASSERT_EQ(ends, expected) << octets;
        run->find(octets, 0, RunPattern::Stop::at_first, first);
        ASSERT_EQ(first.empty(), expected.empty());
        const std::size_t known = random() % 80;
        std::erase_if(expected, [&](std::size_t end) { return end <= known; });
        ends.clear();
        run->find(octets, known, RunPattern::Stop::never, ends);
        ASSERT_EQ(ends, expected) << octets;
      }
    }
  }
}

TEST(Detectors, HitsOverlapNever) {
  const auto detectors = compiled(
      {{"ab", {"ab{1,20}"}, "", {}, {}}, {"bc", {"b{1,5}c{1,9}"}, "", {}, {}}, {"digits", {"[0-9]{3}"}, "", {}, {}}});
  Scanner scanner(detectors);
  EXPECT_EQ(scanned(scanner, "xabbbccz"), (std::vector<Hit>{{1, 7, 1}}));
  EXPECT_EQ(scanned(scanner, "ab bc 1234567"), (std::vector<Hit>{{0, 2, 0}, {3, 5, 1}, {6, 13, 2}}));
  const auto same = compiled({{"first", {"abc"}, "", {}, {}}, {"second", {"abc"}, "", {}, {}}});
  Scanner both(same);
  EXPECT_EQ(scanned(both, "-abc-"), (std::vector<Hit>{{1, 4, 0}}));
}

TEST(Detectors, NoRulesFindNothing) {
  Scanner scanner(compiled({}));
  EXPECT_TRUE(scanned(scanner, "ana@example.com").empty());
  EXPECT_FALSE(scanner.may_hit("ana@example.com"));
  EXPECT_TRUE(streamed(scanner, "ana@example.com", {3}).empty());
  EXPECT_TRUE(scanner.detectors().serialised().empty());
}

TEST(Detectors, TheCacheIsUsedOnlyWhenItFits) {
  const auto rules = builtin_rules();
  const base::Bytes cache = all()->serialised();
  ASSERT_FALSE(cache.empty());
  EXPECT_FALSE(all()->is_from_cache());
  const auto again = compiled(rules, cache);
  EXPECT_TRUE(again->is_from_cache());
  Scanner scanner(again);
  EXPECT_EQ(scanned(scanner, "to ana@example.com").size(), 1U);
  EXPECT_EQ(scanned(scanner, "a AKIAIOSFODNN7EXAMPLE").size(), 1U);

  auto others = rules;
  others.front().patterns.front() += "x";
  EXPECT_FALSE(compiled(others, cache)->is_from_cache());
  // Small rules, so that compiling anew for every damage is quick.
  const std::vector<DetectorRule> few = {{"one", {"abcd[0-9]"}, "", {}, {}}};
  const base::Bytes small = compiled(few)->serialised();
  EXPECT_TRUE(compiled(few, small)->is_from_cache());
  for (std::size_t at = 0; at < small.size(); at += 1 + at / 16) {
    base::Bytes damaged = small;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_FALSE(compiled(few, damaged)->is_from_cache()) << at;
    EXPECT_FALSE(compiled(few, small.substr(0, at))->is_from_cache()) << at;
  }
  EXPECT_FALSE(compiled(few, small + "x")->is_from_cache());
}

std::string first_problem(DetectorRule rule) {
  const auto problems = problems_of(rule);
  return problems.empty() ? "" : problems.front().message;
}

TEST(Detectors, WhatIsWrongWithARule) {
  const auto with = [](std::string pattern) { return first_problem({"r", {std::move(pattern)}, "", {}, {}}); };
  EXPECT_EQ(with("abc[0-9]{4}"), "");
  EXPECT_EQ(with("[]^$a]\\$\\^x"), "");
  for (const char* pattern : {"^abc", "abc$", "\\babc", "abc\\z", "a(?:^b|c)", "[a]$"})
    EXPECT_NE(with(pattern).find("looks beyond"), std::string::npos) << pattern;
  for (const char* pattern : {"abc(", "a(?=b)", "a{2000}", "[z-a]"}) EXPECT_NE(with(pattern), "") << pattern;
  for (const char* pattern : {"abc+", "abc.*", "a{1,513}"})
    EXPECT_NE(with(pattern).find("more than 512"), std::string::npos) << pattern;
  for (const char* pattern : {"a{0,3}", "a?"})
    EXPECT_NE(with(pattern).find("nothing at all"), std::string::npos) << pattern;
  EXPECT_NE(with(""), "");
  EXPECT_EQ(first_problem({"r", {"abc"}, "nonsense", {}, {}}), "there is no check 'nonsense'");

  const auto problems = problems_of({"r", {"abc"}, "word", {"abc", "xabc"}, {"x", "an abc"}});
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].part, RuleProblem::Part::matches);
  EXPECT_EQ(problems[0].index, 1U);
  EXPECT_EQ(problems[1].part, RuleProblem::Part::misses);
  EXPECT_EQ(problems[1].index, 1U);
  EXPECT_FALSE(Detectors::compile({{"r", {"^a"}, "", {}, {}}}));
  EXPECT_FALSE(Detectors::compile({{"r", {"a"}, "nonsense", {}, {}}}));
}

}  // namespace
}  // namespace sallyport::mask
