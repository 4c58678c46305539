package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

type object = map[string]any

// An id of your own finds the call again; without it, take x-request-id from the answer.
var requestID = fmt.Sprintf("sample-%d-%d", os.Getpid(), time.Now().UnixNano())

// call sends a request and reads the answer into answer; the error of an answer becomes the error returned.
func call(method, path string, body, answer any) error {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	if method == "POST" {
		request.Header.Set("x-request-id", requestID)
	}
	response, err := (&http.Client{Timeout: 2 * time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var refusal struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			return err
		}
		return fmt.Errorf("%s: %s", refusal.Error.Code, refusal.Error.Message)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

type state struct {
	LimitUSD string `json:"limit_usd"`
	SpentUSD string `json:"spent_usd"`
}

func main() {
	var answer object
	err := call("POST", "/v1/chat/completions", object{
		"model":    "demo",
		"messages": []object{{"role": "user", "content": "What do you cost?"}},
	}, &answer)
	if err != nil {
		log.Fatal(err)
	}
	var usage struct {
		CostUSD      string `json:"cost_usd"`
		InputTokens  int    `json:"input_tokens"`
		OutputTokens int    `json:"output_tokens"`
		Outcome      string
	}
	if err := call("GET", "/v1/usage/"+requestID, nil, &usage); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s USD for %d tokens in and %d out (%s)\n",
		usage.CostUSD, usage.InputTokens, usage.OutputTokens, usage.Outcome)

	var list struct {
		Totals struct {
			Requests int
			CostUSD  string `json:"cost_usd"`
		}
		Budget *state
	}
	if err := call("GET", "/v1/usage?limit=1", nil, &list); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d calls, %s USD in all\n", list.Totals.Requests, list.Totals.CostUSD)
	if list.Budget == nil {
		fmt.Println("no budget")
		return
	}
	fmt.Printf("%s of %s USD of the budget spent\n", list.Budget.SpentUSD, list.Budget.LimitUSD)
}
