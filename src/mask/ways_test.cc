#include "mask/ways.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "mask/arrays.h"
#include "mask/ways_testing.h"

namespace sallyport::mask {
namespace {

using policy::MaskRule;
using policy::MaskWay;
using testing::binary_array;
using testing::Bytes;
using testing::kTexts;
using testing::text_array;
using testing::View;

constexpr MaskWay kRedact{MaskWay::Kind::redact, 0};
constexpr MaskWay kNull{MaskWay::Kind::null, 0};
constexpr MaskWay keep_last(std::uint32_t keep) { return {MaskWay::Kind::keep_last, keep}; }

MaskRule rule(Bytes name, MaskWay way) {
  MaskRule made;
  made.name = std::move(name);
  made.way = way;
  return made;
}
const MaskRule kPii = rule("pii", kRedact);
const MaskRule kCard = rule("card", keep_last(4));
const MaskRule kGone = rule("gone", kNull);

/// "NULL" or the octets, so that a failure shows them.
Bytes shown(const model::Cell& cell) { return cell.is_null ? Bytes("NULL") : Bytes(cell.octets); }

Bytes whole(View value, std::uint32_t type, MaskWay way = kRedact, Form form = Form::text, const Bytes& name = "pii") {
  // The exact size on the heap, so that a sanitizer sees a read beyond.
  const std::vector<char> block(value.begin(), value.end());
  Bytes storage = "what was there before";
  return shown(mask_value({View(block.data(), block.size()), false}, type, form, rule(name, way), way, storage));
}

/// Masks the only occurrence of `part` in `value`.
Bytes within(View value, std::uint32_t type, View part, const MaskRule& mask = kPii, Form form = Form::text) {
  const auto at = value.find(part);
  EXPECT_NE(at, View::npos);
  const std::vector<char> block(value.begin(), value.end());
  Bytes storage = "what was there before";
  return shown(
      mask_parts({View(block.data(), block.size()), false}, type, form, {{at, at + part.size(), &mask}}, storage));
}

TEST(Ways, Redact) {
  for (const std::uint32_t type : {25, 705, 1042, 1043, 19, 142, 1790, 2275}) {
    EXPECT_EQ(whole("secret", type), "[masked:pii]") << type;
    EXPECT_EQ(whole("secret", type, kRedact, Form::binary), "[masked:pii]") << type;
    EXPECT_EQ(whole("", type), "[masked:pii]") << type;
  }
  EXPECT_EQ(whole(R"({"a": 1})", 114), R"("[masked:pii]")");
  EXPECT_EQ(whole(R"({"a": 1})", 114, kRedact, Form::binary), R"("[masked:pii]")");
  EXPECT_EQ(whole(R"({"a": 1})", 3802), R"("[masked:pii]")");
  EXPECT_EQ(whole("\1{\"a\": 1}", 3802, kRedact, Form::binary), "\1\"[masked:pii]\"");
  for (const std::uint32_t type : {1009, 1015, 1014, 1003, 143, 1263, 2201})
    EXPECT_EQ(whole("{a,b}", type), "{[masked:pii]}") << type;
  EXPECT_EQ(whole("{}", 1009), "{[masked:pii]}");
  EXPECT_EQ(whole("[0:1]={a,b}", 1009), "{[masked:pii]}");
  EXPECT_EQ(whole("{{a,NULL},{\"b}\",\"\\\"\"}}", 1009), "{[masked:pii]}");
  EXPECT_EQ(whole("{1,2}", 199), R"({"\"[masked:pii]\""})");
  EXPECT_EQ(whole("{1,2}", 3807), R"({"\"[masked:pii]\""})");
  EXPECT_EQ(whole(binary_array(25, {"a", {}, "b"}), 1009, kRedact, Form::binary), binary_array(25, {"[masked:pii]"}));
  EXPECT_EQ(whole(binary_array(25, {}), 1009, kRedact, Form::binary), binary_array(25, {"[masked:pii]"}));
  EXPECT_EQ(whole(binary_array(3802, {"\1{}"}), 3807, kRedact, Form::binary),
            binary_array(3802, {"\1\"[masked:pii]\""}));
  // bool, bytea, "char", int8, float8, numeric, date, timestamptz, uuid, inet, tsvector, int4[], record, an
  // extension's.
  for (const std::uint32_t type : {0, 16, 17, 18, 20, 701, 1700, 1082, 1184, 2950, 869, 3614, 1007, 2249, 16400})
    for (const MaskWay way : {kRedact, kNull, keep_last(4)})
      for (const Form form : {Form::text, Form::binary})
        EXPECT_EQ(whole("{12345678}", type, way, form), "NULL") << type;
}

TEST(Ways, NullStaysAndNullMakesNull) {
  Bytes storage;
  for (const auto& type : kTexts) {
    EXPECT_TRUE(mask_value({{}, true}, type.oid, Form::text, kPii, kRedact, storage).is_null);
    EXPECT_TRUE(mask_parts({{}, true}, type.oid, Form::text, {{0, 1, &kPii}}, storage).is_null);
    EXPECT_EQ(whole("a", type.oid, kNull), "NULL");
    EXPECT_EQ(within("a secret", type.oid, "secret", kGone), "NULL");
    EXPECT_TRUE(is_text(type.oid));
  }
  for (const std::uint32_t type : {0, 16, 17, 18, 20, 1007, 2249, 16400}) EXPECT_FALSE(is_text(type));
}

TEST(Ways, KeepLast) {
  EXPECT_EQ(whole("4111111111111234", 25, keep_last(4)), "********1234");
  EXPECT_EQ(whole("4111111111111234", 25, keep_last(2)), "********34");
  EXPECT_EQ(whole("12345678", 25, keep_last(4)), "******78");
  EXPECT_EQ(whole("1234567", 25, keep_last(4)), "******7");
  EXPECT_EQ(whole("123", 25, keep_last(4)), "***");
  EXPECT_EQ(whole("", 25, keep_last(4)), "");
  EXPECT_EQ(whole("1234", 25, keep_last(0)), "****");
  EXPECT_EQ(whole(Bytes(1 << 20, 'x'), 25, keep_last(3)), "********xxx");
  EXPECT_EQ(whole("ääääääää€😀", 25, keep_last(4)), "********€😀");
  EXPECT_EQ(whole("12345678        ", 1042, keep_last(4)), "******78");
  EXPECT_EQ(whole("        ", 1042, keep_last(4)), "");
  EXPECT_EQ(whole("\xff\xfe", 25, keep_last(4)), "NULL");
  EXPECT_EQ(whole("12345678\xe4", 25, keep_last(4)), "NULL");
  EXPECT_EQ(whole("<a>12345678</a>", 142, keep_last(4)), "[masked:pii]");
  EXPECT_EQ(whole("\"12345678\"", 114, keep_last(4)), "\"[masked:pii]\"");
  EXPECT_EQ(whole("{12345678}", 1009, keep_last(4)), "{[masked:pii]}");
}

TEST(Ways, NamesOfMasksStandInEveryForm) {
  EXPECT_EQ(whole("x", 25, kRedact, Form::text, "a\"b\\c<d>&{e},f"), "[masked:a_b_c_d___e__f]");
  EXPECT_EQ(whole("{x}", 1009, kRedact, Form::text, "two words"), "{\"[masked:two words]\"}");
  EXPECT_EQ(whole("x", 19, kRedact, Form::text, Bytes(100, 'n')), "[masked:" + Bytes(54, 'n') + "]");
  EXPECT_EQ(whole("{x}", 1003, kRedact, Form::text, Bytes(100, 'n')), "{[masked:" + Bytes(54, 'n') + "]}");
}

TEST(Ways, WhatIsNotOfItsTypeBecomesNull) {
  for (const char* json :
       {"", "{", "{\"a\"}", "[1,]", "nul", "01", "1.", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "1 2", "'a'"})
    EXPECT_EQ(whole(json, 114), "NULL") << json;
  EXPECT_EQ(whole("\"\xff\"", 114), "NULL");
  EXPECT_EQ(whole("{}", 3802, kRedact, Form::binary), "NULL");
  EXPECT_EQ(whole("\2{}", 3802, kRedact, Form::binary), "NULL");
  EXPECT_EQ(whole("", 3802, kRedact, Form::binary), "NULL");
  for (const char* array :
       {"",      "{",     "}",        "a",       "{a",      "{a}}",   "{{a}",     "{a},{b}", "{a,}", "{,a}",
        "{a b}", "{\"a}", "{\"a\"b}", "{a,{b}}", "{{a},b}", "{\"a\\", "[1:2]{a}", "[x]={a}", "{{}}", "{{{{{{{a}}}}}}}"})
    EXPECT_EQ(whole(array, 1009), "NULL") << array;
  const Bytes array = binary_array(25, {"abc", {}});
  for (std::size_t size = 0; size < array.size(); ++size)
    EXPECT_EQ(whole(array.substr(0, size), 1009, kRedact, Form::binary), "NULL") << size;
  Bytes hollow = array.substr(0, 20);
  hollow[15] = 0;  // one dimension of no elements
  EXPECT_EQ(whole(hollow, 1009, kRedact, Form::binary), "NULL");
  EXPECT_EQ(whole(array + "x", 1009, kRedact, Form::binary), "NULL");
  EXPECT_EQ(whole(binary_array(23, {"abcd"}), 1009, kRedact, Form::binary), "NULL");
}

TEST(Ways, PartsOfTexts) {
  EXPECT_EQ(within("key=SECRET;", 25, "SECRET"), "key=[masked:pii];");
  EXPECT_EQ(within("SECRET", 25, "SECRET"), "[masked:pii]");
  EXPECT_EQ(within("paid with 4111111111111234 today", 1043, "4111111111111234", kCard),
            "paid with ********1234 today");
  EXPECT_EQ(within("größe", 25, "\xb6", kPii), "gr[masked:pii]ße");  // half of a character takes all of it
  EXPECT_EQ(within("\xff SECRET", 25, "SECRET"), "[masked:pii]");
  EXPECT_EQ(within("\xff SECRET", 25, "SECRET", kCard), "NULL");
  EXPECT_EQ(within(Bytes(50, 'a') + "SECRET" + "ää", 19, "SECRET"), Bytes(50, 'a') + "[masked:pii]");
  EXPECT_EQ(within(Bytes(51, 'a') + "SECRET€", 19, "SECRET"), Bytes(51, 'a') + "[masked:pii]");
  EXPECT_EQ(within("4111111111111111", 20, "4111"), "NULL");
  EXPECT_EQ(within("\\x6140622e63", 17, "6140622e63"), "NULL");
}

TEST(Ways, PartsOfXml) {
  EXPECT_EQ(within("<a b=\"c\">x SECRET &amp; y</a>", 142, "SECRET"), "<a b=\"c\">x [masked:pii] &amp; y</a>");
  EXPECT_EQ(within("<a>x &amp; SECRET</a>", 142, "SECRET"), "<a>x &amp; [masked:pii]</a>");
  for (const char* xml : {"<a b=\"SECRET\"/>", "<SECRET/>", "<a>&SECRET;</a>", "<a>SECRET]></a>", "<!-- SECRET -->",
                          "<a><![CDATA[ > SECRET < ]]></a>", "<a>SECRET</a><!-- -->", "<a b=\"> SECRET\"/>"})
    EXPECT_EQ(within(xml, 142, "SECRET"), "[masked:pii]") << xml;
  EXPECT_EQ(within("<a>x</a>", 142, "x</a"), "[masked:pii]");
}

TEST(Ways, PartsOfJson) {
  EXPECT_EQ(within(R"({"a": "x SECRET", "b": 1})", 114, "SECRET"), R"({"a": "x [masked:pii]", "b": 1})");
  EXPECT_EQ(within(R"({"SECRET": 1})", 3802, "SECRET"), R"({"[masked:pii]": 1})");
  EXPECT_EQ(within(R"({"a": "SECRET"})", 114, R"("SECRET")"), R"({"a": "[masked:pii]"})");
  EXPECT_EQ(within("\1{\"a\": \"SECRET\"}", 3802, "SECRET", kPii, Form::binary), "\1{\"a\": \"[masked:pii]\"}");
  EXPECT_EQ(within("\1\"SECRET\"", 3802, "\1\"SEC", kPii, Form::binary), "\1\"[masked:pii]\"");
  // Escapes and surrogate pairs go whole.
  EXPECT_EQ(within(R"(["SEC\nRET"])", 114, "nRET"), R"(["SEC[masked:pii]"])");
  EXPECT_EQ(within(R"(["SEC\u00e4x"])", 114, R"(SEC\u00)"), R"(["[masked:pii]x"])");
  EXPECT_EQ(within(R"(["\ud83d\ude00x"])", 114, R"(\ude00)"), R"(["[masked:pii]x"])");
  EXPECT_EQ(within(R"(["\ud83dx"])", 114, R"(d83d)"), R"(["[masked:pii]x"])");
  EXPECT_EQ(within(R"(["\\\"a\u00e4\ud83d\ude00bcde"])", 114, R"(\"a\u00e4\ud83d\ude00bcde)", kCard),
            R"(["\\******de"])");
  // Not within one string.
  EXPECT_EQ(within(R"({"n": 4111111111111111})", 114, "4111111111111111"), R"("[masked:pii]")");
  EXPECT_EQ(within(R"({"password": "x"})", 114, R"(password": "x)"), R"("[masked:pii]")");
  EXPECT_EQ(within(R"({"password": "x"})", 114, R"(password": "x)", kCard), R"("[masked:card]")");
  EXPECT_EQ(within(R"({"password: "SECRET"})", 114, "SECRET"), "NULL");
}

TEST(Ways, PartsOfArrays) {
  EXPECT_EQ(within("{a,SECRET,NULL}", 1009, "SECRET"), "{a,[masked:pii],NULL}");
  EXPECT_EQ(within(R"({a,"x, SECRET",""})", 1009, "SECRET"), R"({a,"x, [masked:pii]",""})");
  EXPECT_EQ(within(R"({"SECR,ET"})", 1009, "SECR,ET"), R"({[masked:pii]})");
  EXPECT_EQ(within(R"({"a\\\"SECRET"})", 1009, "SECRET"), R"({"a\\\"[masked:pii]"})");
  EXPECT_EQ(within(R"({"a\\\"SECRET"})", 1009, "\"SECRET"), R"({"a\\[masked:pii]"})");
  EXPECT_EQ(within(R"([0:1][1:1]={{"SECRET ä"},{b}})", 1015, "SECRET"), R"([0:1][1:1]={{"[masked:pii] ä"},{b}})");
  EXPECT_EQ(within("{SEC,RET}", 1009, "SEC,RET"), "{[masked:pii]}");
  EXPECT_EQ(within("[0:1]={SEC,RET}", 1009, "0:1"), "{[masked:pii]}");
  EXPECT_EQ(within("{a,NULL}", 1009, "NULL"), "{[masked:pii]}");
  EXPECT_EQ(within("{411111111111111}", 1016, "4111"), "NULL");
  EXPECT_EQ(within(R"({"{\"a\": \"SECRET\"}"})", 199, "SECRET"), R"({"{\"a\": \"[masked:pii]\"}"})");
  EXPECT_EQ(within(R"({"{\"a\": 4111111}",1})", 3807, "4111111"), R"({"\"[masked:pii]\"",1})");
  EXPECT_EQ(within(binary_array(25, {"a", {}, "x SECRET y", "b"}), 1009, "SECRET", kPii, Form::binary),
            binary_array(25, {"a", {}, "x [masked:pii] y", "b"}));
  EXPECT_EQ(within(binary_array(3802, {"\1{\"a\": \"SECRET\"}", "\1[]"}), 3807, "SECRET", kPii, Form::binary),
            binary_array(3802, {"\1{\"a\": \"[masked:pii]\"}", "\1[]"}));
  EXPECT_EQ(within(binary_array(3802, {"\1{\"a\": 4111111}", "\1[]"}), 3807, "4111111", kPii, Form::binary),
            binary_array(3802, {"\1\"[masked:pii]\"", "\1[]"}));
  EXPECT_EQ(within(binary_array(25, {"SEC", "RET"}), 1009, Bytes("SEC\0\0\0\3RET", 10), kPii, Form::binary),
            binary_array(25, {"[masked:pii]"}));
}

TEST(Ways, ElementsAreQuotedAsTheServerQuotesThem) {
  for (const auto& [value, written] : std::vector<std::pair<Bytes, Bytes>>{{"a", "a"},
                                                                           {"", "\"\""},
                                                                           {"null", "\"null\""},
                                                                           {"NULL", "\"NULL\""},
                                                                           {"nulls", "nulls"},
                                                                           {"a b", "\"a b\""},
                                                                           {"a\vb", "\"a\vb\""},
                                                                           {"a,b", "\"a,b\""},
                                                                           {"{", "\"{\""},
                                                                           {"}", "\"}\""},
                                                                           {"a\"\\", "\"a\\\"\\\\\""},
                                                                           {"[1]", "[1]"}}) {
    Bytes out;
    append_element(value, out);
    EXPECT_EQ(out, written);
  }
}

TEST(Ways, ManyParts) {
  Bytes storage;
  const View text = "{a@b.c,\"4111111111111234 a@b.c\",x}";
  const std::vector<Part> parts{{1, 6, &kPii}, {8, 24, &kCard}, {25, 30, &kPii}};
  EXPECT_EQ(shown(mask_parts({text, false}, 1009, Form::text, parts, storage)),
            "{[masked:pii],\"********1234 [masked:pii]\",x}");
  // The strongest of those that meet in a value that cannot be changed in part.
  EXPECT_EQ(
      shown(mask_parts({"[41111111, 42222222]", false}, 114, Form::text, {{1, 9, &kCard}, {11, 19, &kPii}}, storage)),
      "\"[masked:pii]\"");
  EXPECT_EQ(shown(mask_parts({"both of them", false}, 25, Form::text, {{0, 4, &kPii}, {8, 12, &kGone}}, storage)),
            "NULL");
  // Two that meet in one character.
  EXPECT_EQ(shown(mask_parts({"a€b", false}, 25, Form::text, {{1, 2, &kPii}, {2, 3, &kCard}}, storage)),
            "a[masked:pii]b");
  EXPECT_EQ(shown(mask_parts({"abc", false}, 25, Form::text, {}, storage)), "abc");
}

TEST(Ways, PartsThatAreNotInOrderMakeNull) {
  Bytes storage;
  for (const std::vector<Part>& parts : {std::vector<Part>{{2, 4, &kPii}, {0, 1, &kPii}},
                                         {{0, 3, &kPii}, {2, 4, &kPii}},
                                         {{1, 1, &kPii}},
                                         {{3, 9, &kPii}},
                                         {{3, 2, &kPii}},
                                         {{0, 1, nullptr}}})
    EXPECT_EQ(shown(mask_parts({"abcdef", false}, 25, Form::text, parts, storage)), "NULL");
}

// ---- properties over made-up values ----

/// Makes values whose secret is made of characters that no label, and no escape, has.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  Bytes secret() {
    Bytes text;
    for (std::size_t i = 0, count = 4 + below(30); i < count; ++i) text += View("QXZJKWVYG")[below(9)];
    return text;
  }
  Bytes text() {
    static constexpr View kPieces[] = {"a", "ä",    "€",    "😀", " ",  "\"", "\\", "{", "}",
                                       ",", "NULL", "null", "\t", "\n", "'",  ";",  ""};
    Bytes made;
    for (std::size_t i = 0, count = below(12); i < count; ++i) made += kPieces[below(std::size(kPieces))];
    return made;
  }
  Bytes json_string(View inner) {
    Bytes made = "\"";
    for (std::size_t i = 0, count = below(6); i < count; ++i) {
      static constexpr View kPieces[] = {"a", "ä", "\\n", "\\u00e4", "\\ud83d\\ude00", "\\\"", "\\\\", "/"};
      made += kPieces[below(std::size(kPieces))];
      if (i == 2) made += inner;
    }
    if (made.find(inner) == Bytes::npos) made += inner;
    return made + "\"";
  }
  /// A value of `type` that holds `secret` once, in text form or as an element of binary form.
  Bytes value(std::uint32_t type, View secret) {
    switch (type) {
      case 114:
      case 3802:
        switch (below(4)) {
          case 0:
            return json_string(secret);
          case 1:
            return "{\"k\": [1, -2.5e3, " + json_string(secret) + ", null], \"l\": {}}";
          case 2:
            return "{" + json_string(secret) + " : true}";
          default:
            return " [ " + json_string(secret) + " ] ";
        }
      case 142:
        return below(2) == 0 ? "<a b='c'>" + Bytes(secret) + "</a>" : "<a b='" + Bytes(secret) + "'/>";
      case 19:
        return "n" + Bytes(secret) + "m";
      default:
        return text() + Bytes(secret) + text();
    }
  }

 private:
  std::mt19937 random_;
};

void expect_no_run(View masked, View secret, const Bytes& told) {
  for (std::size_t i = 0; i + 4 <= secret.size(); ++i)
    EXPECT_EQ(masked.find(secret.substr(i, 4)), View::npos) << told << " -> " << masked;
}

class Properties : public ::testing::TestWithParam<testing::Type> {
 protected:
  Bytes make(Maker& maker, View secret, Form form) const {
    const auto [type, element] = GetParam();
    const auto one = [&](std::uint32_t of, View inner) {
      return (of == 3802 && form == Form::binary ? "\1" : "") + maker.value(of, inner);
    };
    if (element == 0) return one(type, secret);
    const std::vector<std::optional<Bytes>> elements{one(element, "-"), {}, one(element, secret), one(element, "+")};
    return form == Form::text ? text_array(elements) : binary_array(element, elements);
  }
};

TEST_P(Properties, WhatIsMaskedIsValidAndHoldsNothingOfTheSecret) {
  const std::uint32_t type = GetParam().oid;
  Maker maker(type);
  Bytes storage, again;
  std::size_t within_count = 0;
  for (int round = 0; round < 400; ++round) {
    const Form form = maker.below(2) == 0 ? Form::text : Form::binary;
    const Bytes secret = maker.secret(), value = make(maker, secret, form);
    ASSERT_TRUE(testing::is_valid(value, type, form)) << value;  // the test's own doing
    const std::size_t at = value.find(secret);
    ASSERT_NE(at, Bytes::npos);

    const auto redacted = mask_value({value, false}, type, form, kPii, kRedact, storage);
    ASSERT_FALSE(redacted.is_null) << value;
    EXPECT_TRUE(testing::is_valid(redacted.octets, type, form)) << value << " -> " << redacted.octets;
    expect_no_run(redacted.octets, secret, value);
    EXPECT_EQ(shown(mask_value(redacted, type, form, kPii, kRedact, again)), shown(redacted));

    const auto kept = mask_value({value, false}, type, form, kCard, keep_last(4), storage);
    ASSERT_FALSE(kept.is_null) << value;
    EXPECT_TRUE(testing::is_valid(kept.octets, type, form)) << value << " -> " << kept.octets;

    // The secret itself, and the secret with some of what stands around it.
    const std::size_t begin = at - maker.below(std::min<std::size_t>(at, 3) + 1);
    const std::size_t end =
        at + secret.size() + maker.below(std::min<std::size_t>(value.size() - at - secret.size(), 3) + 1);
    for (const Part& part : {Part{at, at + secret.size(), &kPii}, Part{begin, end, &kPii}, Part{begin, end, &kCard}}) {
      const auto partly = mask_parts({value, false}, type, form, {part}, storage);
      ASSERT_FALSE(partly.is_null) << value;
      EXPECT_TRUE(testing::is_valid(partly.octets, type, form)) << value << " -> " << partly.octets;
      if (part.mask != &kPii) continue;
      expect_no_run(partly.octets, secret, value);
      within_count += partly.octets.size() > redacted.octets.size();
    }
  }
  EXPECT_GT(within_count, 100u);  // it does not mask whole what it can mask in part
}

/// Nothing that is not of the type comes out, whatever goes in.
TEST_P(Properties, DamagedValuesBecomeValidOrNull) {
  const std::uint32_t type = GetParam().oid;
  Maker maker(type + 1);
  Bytes storage;
  for (int round = 0; round < 1000; ++round) {
    const Form form = maker.below(2) == 0 ? Form::text : Form::binary;
    Bytes value = make(maker, maker.secret(), form);
    for (std::size_t i = 0, count = 1 + maker.below(3); i < count && !value.empty(); ++i) {
      const std::size_t at = maker.below(value.size());
      if (maker.below(2) == 0) {
        value.erase(at, 1 + maker.below(3));
      } else {
        value[at] = static_cast<char>(maker.below(256));
      }
    }
    const std::vector<char> block(value.begin(), value.end());
    const model::Cell cell{View(block.data(), block.size()), false};
    std::vector<Part> parts;
    for (std::size_t at = maker.below(8); at < value.size(); at += 1 + maker.below(8)) {
      const std::size_t end = std::min(value.size(), at + 1 + maker.below(5));
      parts.push_back({at, end, maker.below(2) == 0 ? &kPii : &kCard});
      at = end;
    }
    for (const MaskWay way : {kRedact, keep_last(4)}) {
      const auto masked = mask_value(cell, type, form, kPii, way, storage);
      EXPECT_TRUE(masked.is_null || testing::is_valid(masked.octets, type, form)) << value << " -> " << masked.octets;
    }
    if (parts.empty()) continue;
    const auto masked = mask_parts(cell, type, form, parts, storage);
    // What stands around a part is as the target sent it: an element that nothing was found in is not looked at.
    const bool is_partly_unread = GetParam().element != 0 && !testing::is_valid(value, type, form);
    EXPECT_TRUE(masked.is_null || is_partly_unread || testing::is_valid(masked.octets, type, form))
        << value << " -> " << masked.octets;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, Properties, ::testing::ValuesIn(kTexts),
                         [](const auto& tested) { return "Type" + std::to_string(tested.param.oid); });

/// Megabytes with many parts take no more than one pass.
TEST(Ways, HugeValues) {
  Bytes text, storage;
  std::vector<Part> parts;
  while (text.size() < (2U << 20)) {
    parts.push_back({text.size(), text.size() + 4, &kPii});
    text += "QXZJ, ";
  }
  const auto check = [&](std::uint32_t type, View before, View after) {
    const Bytes value = Bytes(before) + text + Bytes(after);
    auto moved = parts;
    for (Part& part : moved) part.begin += before.size(), part.end += before.size();
    const auto masked = mask_parts({value, false}, type, Form::text, moved, storage);
    ASSERT_FALSE(masked.is_null);
    EXPECT_GT(masked.octets.size(), value.size());
    EXPECT_EQ(masked.octets.find("QXZJ"), View::npos);
  };
  check(25, "", "");
  check(142, "<a>", "</a>");
  check(114, "\"", "\"");
  check(1009, "{\"", "\"}");
  const Bytes deep(1U << 20, '[');
  EXPECT_EQ(whole(deep, 114), "NULL");
  EXPECT_EQ(whole(deep + Bytes(1U << 20, ']'), 114), "\"[masked:pii]\"");
}

}  // namespace
}  // namespace sallyport::mask
