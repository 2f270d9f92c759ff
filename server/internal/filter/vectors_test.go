package filter_test

// What a vector expects.
const (
	matches = "matches"
	differs = "does not match"
	invalid = "invalid"
)

// filterVectors are those of the protocol, by number.
var filterVectors = []struct {
	number        int
	value, filter string
	want          string
}{
	{1, `{"a":"x"}`, `{}`, matches},
	{2, `{}`, `{}`, matches},
	{3, `null`, `{}`, matches},
	{4, `null`, `{"a":["x"]}`, differs},
	{5, `{"a":"x"}`, `{"a":["x"]}`, matches},
	{6, `{"a":"X"}`, `{"a":["x"]}`, differs},
	{7, `{"a":"y"}`, `{"a":["x","y"]}`, matches},
	{8, `{"a":1}`, `{"a":["1"]}`, differs},
	{9, `{"a":"1"}`, `{"a":[1]}`, differs},
	{10, `{"a":1}`, `{"a":[1]}`, matches},
	{11, `{"a":true}`, `{"a":[true]}`, matches},
	{12, `{"a":false}`, `{"a":[true]}`, differs},
	{13, `{"a":false}`, `{"a":[true,false]}`, matches},
	{14, `{"a":1}`, `{"a":[true]}`, differs},
	{15, `{"b":1}`, `{"a":["x"]}`, differs},
	{16, `{"a":null}`, `{"a":["x"]}`, differs},
	{17, `{"a":"anything"}`, `{"a":[]}`, matches},
	{18, `{}`, `{"a":[]}`, matches},
	{19, `{"a":["x","y"]}`, `{"a":["x"]}`, differs},
	{20, `{"a":{"b":"x"}}`, `{"a":["x"]}`, differs},
	{21, `{"a":"x","b":2}`, `{"a":["x"],"b":[2]}`, matches},
	{22, `{"a":"x","b":3}`, `{"a":["x"],"b":[2]}`, differs},
	{23, `{"a":{"b":{"c":"x"}}}`, `{"a":{"b":{"c":["x"]}}}`, matches},
	{24, `{"a":{"b":{}}}`, `{"a":{"b":{"c":["x"]}}}`, differs},
	{25, `{}`, `{"a":{}}`, matches},
	{26, `{"a":null}`, `{"a":{}}`, matches},
	{27, `{}`, `{"a":{"b":["x"]}}`, differs},
	{28, `{"a":[{"b":"x"},{"b":"y"}]}`, `{"a":{"b":["y"]}}`, matches},
	{29, `{"a":[{"b":"x","c":1},{"b":"y","c":2}]}`, `{"a":{"b":["y"],"c":[1]}}`, differs},
	{30, `{"a":[]}`, `{"a":{"b":["y"]}}`, differs},
	{31, `{"a":[]}`, `{"a":{}}`, differs},
	{32, `{"a":[1]}`, `{"a":{}}`, matches},
	{33, `{"a":[{"b":[{"c":1}]}]}`, `{"a":{"b":{"c":[1]}}}`, matches},
	{34, `{"a":"x"}`, `{"a":{"b":["y"]}}`, differs},
	{35, `{"a":"image.png"}`, `{"a":[{"$endsWith":".png"}]}`, matches},
	{36, `{"a":"image.PNG"}`, `{"a":[{"$endsWith":".png"}]}`, differs},
	{37, `{"a":"images/1"}`, `{"a":[{"$startsWith":"images/"}]}`, matches},
	{38, `{"a":"images/1.png"}`, `{"a":[{"$startsWith":"images/"},{"$endsWith":".png"}]}`, matches},
	{39, `{"a":"images/1.gif"}`, `{"a":[{"$startsWith":"images/"},{"$endsWith":".png"}]}`, differs},
	{40, `{"a":"abc"}`, `{"a":[{"$startsWith":""}]}`, matches},
	{41, `{"a":12}`, `{"a":[{"$startsWith":"1"}]}`, differs},
	{42, `{}`, `{"a":[{"$startsWith":""}]}`, differs},
	{43, `{"a":["images/1"]}`, `{"a":[{"$startsWith":"images/"}]}`, differs},
	{44, `{"a":"JoHn"}`, `{"a":[{"$ignoreCaseEquals":"john"}]}`, matches},
	{45, `{"a":"Jos\u00e9"}`, `{"a":[{"$ignoreCaseEquals":"jose"}]}`, differs},
	{46, `{"a":"JOS\u00c9"}`, `{"a":[{"$ignoreCaseEquals":"jos\u00e9"}]}`, matches},
	{47, `{"a":"e\u0301"}`, `{"a":[{"$ignoreCaseEquals":"\u00c9"}]}`, matches},
	{48, `{"a":"STRASSE"}`, `{"a":[{"$ignoreCaseEquals":"stra\u00dfe"}]}`, differs},
	{49, `{"a":"\uff21\uff22\uff23"}`, `{"a":[{"$ignoreCaseEquals":"abc"}]}`, matches},
	{50, `{"a":"I"}`, `{"a":[{"$ignoreCaseEquals":"\u0131"}]}`, differs},
	{51, `{"a":"\u0130"}`, `{"a":[{"$ignoreCaseEquals":"i"}]}`, differs},
	{52, `{"a":"K"}`, `{"a":[{"$ignoreCaseEquals":"\u212a"}]}`, matches},
	{53, `{"a":"ab"}`, `{"a":[{"$ignoreCaseEquals":"a\u200bb"}]}`, matches},
	{54, `{"a":"ab"}`, `{"a":[{"$ignoreCaseEquals":"a\u00adb"}]}`, matches},
	{55, `{"a":"a-b"}`, `{"a":[{"$ignoreCaseEquals":"ab"}]}`, differs},
	{56, `{"a":"a b"}`, `{"a":[{"$ignoreCaseEquals":"ab"}]}`, differs},
	{57, `{"a":"\ufb01"}`, `{"a":[{"$ignoreCaseEquals":"FI"}]}`, matches},
	{58, `{"a":"\u03c3"}`, `{"a":[{"$ignoreCaseEquals":"\u03c2"}]}`, matches},
	{59, `{"a":"\u2461"}`, `{"a":[{"$ignoreCaseEquals":"2"}]}`, matches},
	{60, `{"a":""}`, `{"a":[{"$ignoreCaseEquals":""}]}`, matches},
	{61, `{"a":5}`, `{"a":[{"$ignoreCaseEquals":"5"}]}`, differs},
	{62, `{"a":"x"}`, `{"a":[{"$exists":true}]}`, matches},
	{63, `{"a":null}`, `{"a":[{"$exists":true}]}`, matches},
	{64, `{}`, `{"a":[{"$exists":true}]}`, differs},
	{65, `{}`, `{"a":[{"$exists":false}]}`, matches},
	{66, `{"a":null}`, `{"a":[{"$exists":false}]}`, differs},
	{67, `{}`, `{"a":{"b":[{"$exists":false}]}}`, differs},
	{68, `{"a":{}}`, `{"a":{"b":[{"$exists":false}]}}`, matches},
	{69, `{"a":null}`, `{"a":[{"$isNull":true}]}`, matches},
	{70, `{}`, `{"a":[{"$isNull":true}]}`, differs},
	{71, `{}`, `{"a":[{"$isNull":false}]}`, matches},
	{72, `{"a":0}`, `{"a":[{"$isNull":false}]}`, matches},
	{73, `{"a":""}`, `{"a":[{"$isNull":true}]}`, differs},
	{74, `{"a":"x"}`, `{"a":[{"$anythingBut":"x"}]}`, differs},
	{75, `{"a":"y"}`, `{"a":[{"$anythingBut":"x"}]}`, matches},
	{76, `{}`, `{"a":[{"$anythingBut":"x"}]}`, matches},
	{77, `{"a":null}`, `{"a":[{"$anythingBut":"x"}]}`, matches},
	{78, `{"a":"x"}`, `{"a":[{"$anythingBut":["x","y"]}]}`, differs},
	{79, `{"a":"z"}`, `{"a":[{"$anythingBut":["x","y"]}]}`, matches},
	{80, `{"a":["x"]}`, `{"a":[{"$anythingBut":"x"}]}`, matches},
	{81, `{"a":1}`, `{"a":[{"$anythingBut":"1"}]}`, matches},
	{82, `{"a":"x"}`, `{"a":[{"$anythingBut":"y"},{"$anythingBut":"x"}]}`, differs},
	{83, `{"a":"x"}`, `{"a":[{"$not":"x"}]}`, differs},
	{84, `{"a":"y"}`, `{"a":[{"$not":"x"}]}`, matches},
	{85, `{}`, `{"a":[{"$not":"x"}]}`, differs},
	{86, `{"a":null}`, `{"a":[{"$not":"x"}]}`, differs},
	{87, `{"a":{"b":1}}`, `{"a":[{"$not":"x"}]}`, differs},
	{88, `{"a":["x","y"]}`, `{"a":[{"$not":"x"}]}`, differs},
	{89, `{"a":["y"]}`, `{"a":[{"$not":"x"}]}`, matches},
	{90, `{"a":[]}`, `{"a":[{"$not":"x"}]}`, matches},
	{91, `{"a":5}`, `{"a":[{"$gt":4}]}`, matches},
	{92, `{"a":4}`, `{"a":[{"$gt":4}]}`, differs},
	{93, `{"a":4}`, `{"a":[{"$gte":4}]}`, matches},
	{94, `{"a":3}`, `{"a":[{"$lt":4}]}`, matches},
	{95, `{"a":4}`, `{"a":[{"$lte":4}]}`, matches},
	{96, `{"a":"5"}`, `{"a":[{"$gt":4}]}`, differs},
	{97, `{}`, `{"a":[{"$lt":4}]}`, differs},
	{98, `{"a":30}`, `{"a":[{"$gt":20},{"$lt":40}]}`, matches},
	{99, `{"a":40}`, `{"a":[{"$gt":20},{"$lt":40}]}`, differs},
	{100, `{"a":10}`, `{"a":[{"$between":[10,20]}]}`, matches},
	{101, `{"a":20}`, `{"a":[{"$between":[10,20]}]}`, matches},
	{102, `{"a":20.5}`, `{"a":[{"$between":[10,20]}]}`, differs},
	{103, `{"a":15}`, `{"a":[{"$between":[20,10]}]}`, differs},
	{104, `{"a":9007199254740993}`, `{"a":[9007199254740992]}`, matches},
	{105, `{"a":["x","y"]}`, `{"a":[{"$includes":"x"}]}`, matches},
	{106, `{"a":["x","y"]}`, `{"a":[{"$includes":"z"}]}`, differs},
	{107, `{"a":"xyz"}`, `{"a":[{"$includes":"x"}]}`, differs},
	{108, `{"a":[1,2]}`, `{"a":[{"$includes":2}]}`, matches},
	{109, `{"a":["x","y"]}`, `{"a":[{"$includes":"x"},{"$includes":"y"}]}`, matches},
	{110, `{"a":["x"]}`, `{"a":[{"$includes":"x"},{"$includes":"y"}]}`, differs},
	{111, `{"a":[{"b":1}]}`, `{"a":[{"$includes":"b"}]}`, differs},
	{112, `{"a":50}`, `{"a":[{"$gt":20,"$lt":40}]}`, matches},
	{113, `{"a":50}`, `{"a":[{"$lt":40,"$gt":20}]}`, matches},
	{114, `{"a":"abc"}`, `{"a":[{"$startsWith":"a","$exists":false}]}`, matches},
	{115, `{"a":"abc"}`, `{"a":[{"$exists":true,"$startsWith":"z"}]}`, differs},
	{116, `{"a":"abc"}`, `{"a":[{"$gt":5,"$anythingBut":"zzz"}]}`, matches},
	{117, `{"a":1}`, `{"a":["x",1]}`, invalid},
	{118, `{"a":1}`, `{"a":[{"$foo":1}]}`, invalid},
	{119, `{"a":1}`, `{"a":1}`, invalid},
	{120, `{"a":"x"}`, `{"a":"x"}`, invalid},
	{121, `{"a":null}`, `{"a":[null]}`, invalid},
	{122, `{"a":1}`, `{"a":[{}]}`, invalid},
	{123, `{"a":1}`, `{"a":[[1]]}`, invalid},
	{124, `{"a":"x"}`, `{"a":["x",{"$startsWith":"x"}]}`, invalid},
	{125, `{"a":5}`, `{"a":[{"$gt":"4"}]}`, invalid},
	{126, `{"a":5}`, `{"a":[{"$gt":"4","$lt":9}]}`, matches},
	{127, `{"a":5}`, `{"a":[{"$between":[1,2,3]}]}`, invalid},
	{128, `{"a":"x"}`, `{"a":[{"$anythingBut":["x",1]}]}`, invalid},
	{129, `{"a":"abc"}`, `{"a":{"length":[3]}}`, differs},   // JavaScript alone gives this value a member.
	{130, `{"a":"abc"}`, `{"a":{"0":["a"]}}`, differs},      // JavaScript alone gives this value a member.
	{131, `["x"]`, `{"0":["x"]}`, differs},                  // JavaScript alone gives this value a member.
	{132, `{}`, `{"toString":[{"$exists":true}]}`, differs}, // JavaScript alone gives this value a member.
	{133, `{"a":5}`, `{"a":{"b":[{"$exists":false}]}}`, matches},
	{134, `{"a":true}`, `{"a":{"b":[{"$anythingBut":"x"}]}}`, matches},
}

// requestVectors are those of the protocol, by number.
var requestVectors = []struct {
	number        int
	method, query string
	headers       []string
	body, filter  string
	want          string
}{
	{1, "POST", ``, nil, ``, `{}`, matches},
	{2, "POST", ``, nil, ``, `{"method":["POST"]}`, matches},
	{3, "GET", ``, nil, ``, `{"method":["POST","PUT"]}`, differs},
	{4, "POST", ``, nil, ``, `{"method":[]}`, differs},
	{5, "GET", `?hub.mode=subscribe`, nil, ``, `{"query":{"hub.mode":[{"$startsWith":"sub"}]}}`, matches},
	{6, "GET", `?a=1&a=2`, nil, ``, `{"query":{"a":["1"]}}`, differs},
	{7, "GET", `?a=1&a=2`, nil, ``, `{"query":{"a":["2"]}}`, matches},
	{8, "GET", `?a=1`, nil, ``, `{"query":{"a":[1]}}`, invalid},
	{9, "GET", `?a=1`, nil, ``, `{"query":{}}`, matches},
	{10, "GET", `?a`, nil, ``, `{"query":{"a":[""]}}`, matches},
	{11, "GET", `?q=a%20b+c`, nil, ``, `{"query":{"q":["a b c"]}}`, matches},
	{12, "POST", ``, pairs("Content-Type", "application/json"), `{}`, `{"headers":{"content-type":["application/json"]}}`, matches},
	{13, "POST", ``, pairs("Content-Type", "application/json"), `{}`, `{"headers":{"Content-Type":["application/json"]}}`, matches}, // Names of headers have no case.
	{14, "POST", ``, pairs("Content-Type", "application/json; charset=utf-8"), `{}`, `{"headers":{"content-type":["application/json"]}}`, differs},
	{15, "POST", ``, pairs("Content-Type", "application/json; charset=utf-8"), `{}`, `{"headers":{"content-type":[{"$startsWith":"application/json"}]}}`, matches},
	{16, "POST", ``, pairs("x-a", "1", "x-a", "2"), ``, `{"headers":{"x-a":["1, 2"]}}`, matches},
	{17, "POST", ``, nil, ``, `{"headers":{"x-a":[{"$exists":false}]}}`, invalid},
	{18, "POST", ``, nil, `{"t":"created"}`, `{"body":{"t":["created"]}}`, matches},
	{19, "POST", ``, pairs("content-type", "text/plain"), `{"t":"created"}`, `{"body":{"t":["created"]}}`, matches},
	{20, "POST", ``, nil, `{"t":"x"}`, `{"body":{"t":["created"]}}`, differs},
	{21, "POST", ``, nil, `not json`, `{"body":{"t":["created"]}}`, differs},
	{22, "POST", ``, nil, `not json`, `{"body":{}}`, differs},
	{23, "POST", ``, nil, `not json`, `{"method":["POST"]}`, matches},
	{24, "POST", ``, nil, `null`, `{"body":{}}`, matches},
	{25, "POST", ``, nil, `[{"t":"created"}]`, `{"body":{"t":["created"]}}`, differs},
	{26, "POST", ``, nil, `[{"t":"created"}]`, `{"body":{}}`, matches},
	{27, "GET", `?a=1`, pairs("x-k", "v"), ``, `{"method":["GET"],"query":{"a":["1"]},"headers":{"x-k":["v"]}}`, matches},
	{28, "GET", `?a=2`, pairs("x-k", "v"), ``, `{"method":["GET"],"query":{"a":["1"]},"headers":{"x-k":["v"]}}`, differs},
}

// ruleVectors are those of the protocol, by number. Vectors 2 and 3 are about
// accounts.
var ruleVectors = []struct {
	number          int
	payload, sent   string
	request         bool
	filter, context string
	want            string
}{
	{1, `{"a":1}`, `{}`, false, `{}`, ``, matches},
	{4, `{"a":1}`, `{}`, false, `{}`, ``, matches},
	{5, `{"a":1}`, `{}`, false, `{}`, ``, matches},
	{6, `[]`, `{}`, false, `{}`, ``, matches}, // An empty filter matches whatever there is.
	{7, `[{"a":1},{"a":2}]`, `{}`, false, `{"a":[2]}`, ``, matches},
	{8, `"str"`, `{}`, false, `{}`, ``, matches},
	{9, `"str"`, `{}`, false, `{"a":["x"]}`, ``, differs},
	{10, `{"a":1}`, `{"t":"v"}`, false, `{}`, `{"t":["v"]}`, matches},
	{11, `{"a":1}`, `{"t":"w"}`, false, `{}`, `{"t":["v"]}`, differs},
	{12, `{"a":1}`, `[]`, false, `{}`, ``, matches}, // An empty filter matches whatever there is.
	{13, `{"url":"u","method":"POST","headers":{"content-type":"application/json"},"rawBody":"{\"t\":\"x\"}"}`, `{}`, true, `{"body":{"t":["x"]}}`, ``, matches},
	{14, `{"url":"u","method":"POST","headers":{"content-type":"application/json"},"rawBody":"{\"t\":\"x\"}"}`, `{}`, true, `{"method":["POST"],"headers":{"content-type":["application/json"]}}`, ``, matches},
	{15, `{"url":"u?a=1","method":"POST","headers":{"content-type":"application/json"},"rawBody":"{\"t\":\"x\"}"}`, `{}`, true, `{"query":{"a":["1"]}}`, ``, matches}, // The query is provided.
	{16, `{"url":"u","method":"POST","headers":{"content-type":"text/plain"},"rawBody":"x"}`, `{}`, true, `{}`, ``, matches},
	{17, `{"url":"u","method":"POST","headers":{"content-type":"text/plain"},"rawBody":"x"}`, `{}`, true, `{"method":["POST"]}`, ``, matches}, // Requests that are not JSON have all but a body.
	{18, `{"url":"u","method":"GET","headers":{"content-type":"application/json"},"rawBody":""}`, `{}`, true, `{}`, ``, matches},              // A body that is not JSON is absent.
	{19, `{"url":"u","method":"GET","headers":{}}`, `{}`, true, `{}`, ``, differs},
}

func pairs(namesAndValues ...string) []string { return namesAndValues }
