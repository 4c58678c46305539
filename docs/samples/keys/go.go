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
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_ADMIN_KEY"))
	request.Header.Set("Content-Type", "application/json")
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

type key struct {
	ID     string
	Key    string
	State  string
	Budget struct {
		LimitUSD string `json:"limit_usd"`
		SpentUSD string `json:"spent_usd"`
		Window   string
	}
}

// admin calls the admin API; it ends the program when that fails.
func admin(method, path string, body object) key {
	var answer key
	if err := call(method, "/admin/v1/keys"+path, body, &answer); err != nil {
		log.Fatal(err)
	}
	return answer
}

func main() {
	created := admin("POST", "", object{
		"name":   "sample",
		"tier":   "free",
		"models": []string{"demo"},
		"budget": object{"limit_usd": "5", "window": "month"},
	})
	fmt.Printf("created %s, %s USD a %s\n", created.ID, created.Budget.LimitUSD, created.Budget.Window)
	// created.Key is shown this once: store it now.

	rotated := admin("POST", "/"+created.ID+"/rotate", object{"overlap_seconds": 3600})
	fmt.Printf("rotated: the new secret begins with %s, the former one works for another hour\n", rotated.Key[:6])

	changed := admin("PATCH", "/"+created.ID, object{"budget": object{"limit_usd": "10", "window": "month"}})
	fmt.Printf("%s of %s USD spent\n", changed.Budget.SpentUSD, changed.Budget.LimitUSD)

	fmt.Println(admin("POST", "/"+created.ID+"/revoke", object{"reason": "the sample is over"}).State)
}
